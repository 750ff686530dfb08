"""Errors that say what to type, and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can correct. The message is one sentence that says what is wrong and what to type."""


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Returns the option that is most like a name, whatever its letter case; None if none is similar."""
    options = [str(option) for option in options]
    found = difflib.get_close_matches(name.lower(), {option.lower() for option in options}, n=1)
    alike = [option for option in options if option.lower() in found]
    return difflib.get_close_matches(name, alike, n=1, cutoff=0.0)[0] if found else None


def hint(name: object, options: Iterable[str]) -> str:
    """Returns ' Nearest: pong.' for the end of an error's message, or '' if no option is similar."""
    near = nearest(str(name), options)
    return f' Nearest: {near}.' if near else ''


def one_line(error: BaseException) -> str:
    """Returns the message of an exception without line breaks; its type if it has no message."""
    return ' '.join(str(error).split()) or type(error).__name__
