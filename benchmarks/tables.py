"""Tables of figures, as CSV and Markdown, and the machine that they were measured on."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from Support.Files import atomic_write
from Support.Machine import computes_in_bf16, usable_cores

PACKAGES = ('torch', 'gymnasium', 'ale-py', 'dm_control', 'mujoco')


def read(path: Path) -> list[dict[str, str]]:
    """Returns the lines of a CSV file as dicts; none if the file does not exist."""
    if not path.exists():
        return []
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def write(path: Path, lines: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Writes the table as CSV and, beside it, as Markdown."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator='\n')
    writer.writeheader()
    writer.writerows(lines)
    atomic_write(path, text.getvalue())
    atomic_write(path.with_suffix('.md'), markdown(lines, columns))


def markdown(lines: Iterable[dict[str, Any]], columns: Sequence[str]) -> str:
    """Returns these columns of the lines as a Markdown table."""
    rows = [columns, ['---'] * len(columns), *([line[name] for name in columns] for line in lines)]
    return ''.join(f'| {" | ".join(map(str, row))} |\n' for row in rows)


def hardware(device: str) -> str:
    """Returns the names of the device that learns and of the CPU."""
    gpu = [torch.cuda.get_device_name(device)] if device.startswith('cuda') else []
    return ', '.join([*gpu, f'{platform.machine()} CPU ({processor()})', f'{usable_cores()} cores'])


def processor() -> str:
    """Returns the CPU's instruction set, on which most of the speed depends: AVX2, AVX512_bf16."""
    return torch.backends.cpu.get_cpu_capability() + ('_bf16' if computes_in_bf16(torch.device('cpu')) else '')


def versions(packages: Iterable[str] = PACKAGES) -> str:
    """Returns the versions of Python and of the installed ones of the packages."""
    found = [distribution for name in packages if (distribution := version(name))]
    return ', '.join([f'Python {platform.python_version()}', *found])


def version(package: str) -> str | None:
    """Returns '<package> <version>', or None if it is not installed."""
    try:
        return f'{package} {importlib.metadata.version(package)}'
    except importlib.metadata.PackageNotFoundError:
        return None
