"""Errors that say what to type, and the nearest valid name."""

import difflib


class UserError(Exception):
    """Something that the user can put right. Its message is one sentence that says what is wrong and what to type."""


def nearest(name, options):
    """The option that `name` most likely meant, whatever its case; None if none comes near."""
    name, options = str(name), [str(option) for option in options]
    found = difflib.get_close_matches(name.lower(), {option.lower() for option in options}, n=1)
    alike = [option for option in options if option.lower() in found]
    return difflib.get_close_matches(name, alike, n=1, cutoff=0.0)[0] if found else None


def hint(name, options):
    """' Nearest: pong.' to end an error's message with, or '' if nothing comes near."""
    near = nearest(name, options)
    return f' Nearest: {near}.' if near else ''


def one_line(error):
    """The message of an exception without line breaks; its type where it has no message."""
    return ' '.join(str(error).split()) or type(error).__name__
