"""Tables of figures, as CSV and as Markdown, and what they were measured on."""

import csv
import importlib.metadata
import io
import platform

import torch

import Utils

PACKAGES = ('torch', 'gymnasium', 'ale-py', 'dm_control', 'mujoco')


def read(path):
    """The lines of a CSV file as dicts; none if it is not there."""
    if not path.exists():
        return []
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def write(path, lines, columns):
    """The table as CSV and, beside it, as Markdown."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator='\n')
    writer.writeheader()
    writer.writerows(lines)
    Utils.atomic_write(path, text.getvalue())
    Utils.atomic_write(path.with_suffix('.md'), markdown(lines, columns))


def markdown(lines, columns):
    """These columns of the lines as a table of Markdown."""
    rows = [columns, ['---'] * len(columns), *([line[name] for name in columns] for line in lines)]
    return ''.join(f'| {" | ".join(map(str, row))} |\n' for row in rows)


def hardware(device):
    """The device that learns, and the processor beside it."""
    gpu = [torch.cuda.get_device_name(device)] if device.startswith('cuda') else []
    return ', '.join([*gpu, f'{platform.machine()} CPU ({processor()})', f'{Utils.usable_cores()} cores'])


def processor():
    """What the processor computes with, which decides most of how fast it is: AVX2, AVX512_bf16."""
    return torch.backends.cpu.get_cpu_capability() + ('_bf16' if Utils.computes_in_bf16(torch.device('cpu')) else '')


def versions(packages=PACKAGES):
    """Python and those of the packages that are installed."""
    found = [distribution for name in packages if (distribution := version(name))]
    return ', '.join([f'Python {platform.python_version()}', *found])


def version(package):
    """'<package> <version>', or None if it is not installed."""
    try:
        return f'{package} {importlib.metadata.version(package)}'
    except importlib.metadata.PackageNotFoundError:
        return None
