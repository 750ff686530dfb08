"""Labelled images: where they come from, how they are read, selected, cached and transformed."""
