"""CSV tables that grow by a row at a time, and never lose one: read, append, cut."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from Support.Errors import UserError
from Support.Files import atomic_write


def read_rows(path: Path | str) -> tuple[list[str], list[dict[str, str]]]:
    """Returns the columns and the rows of a table. A last row that a crash cut short is left out.

    Raises UserError if the file cannot be read.
    """
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'Cannot read the log {path}: {error}; move it away to start a new one.') from error
    complete = text[: text.rfind('\n') + 1]
    columns, *rows = list(csv.reader(io.StringIO(complete))) or [[]]
    return columns, [dict(zip(columns, row, strict=True)) for row in rows if len(row) == len(columns)]


def as_csv(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Returns a table as text. What a row lacks stays empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval='', lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Appends a row. A new key widens the table, which is then rewritten atomically with all earlier rows.

    Raises UserError if the disk is full; no half row is left.
    """
    if not path.exists():
        return atomic_write(path, as_csv(row, [row]))
    with path.open(newline='') as file:
        header = file.readline()
    columns = next(csv.reader([header]), [])
    new = [key for key in row if key not in columns]
    if new or not ends_in_newline(path):
        columns, rows = read_rows(path)
        return atomic_write(path, as_csv(columns + [key for key in row if key not in columns], [*rows, row]))
    line = as_csv(columns, [row]).split('\n', 1)[1]
    size = path.stat().st_size
    try:
        with path.open('a', newline='') as file:
            file.write(line)
    except OSError as error:
        os.truncate(path, size)  # no half row
        raise UserError(
            f'Cannot write the log {path}: {error.strerror}; free some space and resume with load=true.'
        ) from error


def ends_in_newline(path: Path) -> bool:
    with path.open('rb') as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b'\n'


def cut_after(path: Path, step: int | None) -> float:
    """Removes the rows after `step` (None: no row) and returns the `time` of the last row left, 0 if there is none.

    Raises UserError if the table is not a log of this program.
    """
    if not path.exists():
        return 0.0
    columns, rows = read_rows(path)
    try:
        kept = [row for row in rows if step is None or float(row['step']) <= step]
        earlier = float(kept[-1]['time']) if kept else 0.0
    except (KeyError, ValueError) as error:
        raise UserError(
            f'{path} is no log of this program ({error}); move it away or run without load=true.'
        ) from error
    if len(kept) < len(rows):
        atomic_write(path, as_csv(columns, kept))
    return earlier
