"""Draws speed and memory against size: python benchmarks/growth.py [words of benchmarks/run.py]

Measures the rows growth/* of benchmarks/run.py and writes growth.png beside its table: throughput and peak memory of
the process, for replays of 10,000 to a million transitions, 1 to 64 environments, batches of 32 to 1024.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

from benchmarks import run, tables
from benchmarks.rows.growth import SIZES
from Support.Files import atomic_write

TITLES = {'capacity': 'transitions in the replay', 'envs': 'environments', 'batch': 'transitions in a batch'}


def points(lines: Sequence[dict[str, str]], kind: str) -> tuple[list[int], list[float], list[float], str]:
    """Returns (sizes, speeds, megabytes, unit) of the rows of a kind, by size."""
    found = sorted((int(line['row'].rsplit('-')[-1]), line) for line in lines
                   if line['row'].startswith(f'growth/{kind}-') and line['median'])  # fmt: skip
    sizes = [size for size, _ in found]
    speeds, memory = ([float(line[name]) for _, line in found] for name in ('median', 'peak_mb'))
    return sizes, speeds, memory, found[0][1]['unit'] if found else ''


def draw(lines: Sequence[dict[str, str]], path: Path) -> None:
    """Draws a column of two panels for each kind of size into a PNG."""
    from matplotlib.figure import Figure

    figure = Figure((12, 6), layout='constrained')
    for column, (above, below) in zip(SIZES, figure.subplots(2, len(SIZES), sharex='col').T, strict=True):
        sizes, speeds, memory, unit = points(lines, column)
        above.plot(sizes, speeds, marker='o')
        above.set(title=TITLES[column], ylabel=unit, xscale='log', ylim=(0, None))
        below.plot(sizes, memory, marker='o', color='tab:gray')
        below.set(ylabel='peak memory of the process, MB', xlabel=TITLES[column], ylim=(0, None))
        below.set_xticks(sizes, [f'{size:,}' for size in sizes], minor=False, rotation=30)
        below.minorticks_off()
    picture = io.BytesIO()
    figure.savefig(picture, format='png', dpi=100)
    atomic_write(path, picture.getvalue())


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, then draws. Returns the exit status of benchmarks/run.py."""
    words = sys.argv[1:] if argv is None else argv
    status, args = run.main(['growth', *words]), run.arguments(['growth', *words])
    folder = args.out or run.RESULTS
    if not args.quick and (folder / 'table.csv').exists():
        draw(tables.read(folder / 'table.csv'), folder / 'growth.png')
        print(folder / 'growth.png')
    return status


if __name__ == '__main__':
    sys.exit(main())
