"""Measures this program's speed beside other programs that do the same work: python benchmarks/run.py [name ...]

A name is that of a row, with or without * (envs/pong-16, 'replay/*-prioritized'), or of a whole file (envs, replay,
learner, classify, loops, goals, start, growth); without names, all rows run. Every contender has a process of its own,
and they measure by turns. Writes table.csv and table.md: medians with minimum and maximum, machine and versions, and
which contenders are absent and why. Lines of other rows are kept.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

from benchmarks import tables
from benchmarks.contest import Process, Row, Size, contest, rows
from Support.Errors import UserError, hint
from Support.Files import PROJECT, atomic_write
from Support.Machine import choose_threads

FILES = ('envs', 'replay', 'learner', 'classify', 'loops', 'goals', 'start', 'growth')
PEERS = ('stable-baselines3', 'torchrl', 'cpprb', 'tianshou', 'envpool', 'lightning')
RESULTS = PROJECT / 'results' / 'Speed' / tables.processor()  # a table for each kind of processor
SHOWN = ('contender', 'median', 'min', 'max', 'unit', 'ours', 'goal', 'reached', 'peak_mb', 'absent')
COLUMNS = ('row', *SHOWN, 'repeats', 'equal', 'load', 'threads', 'date', 'hardware', 'versions')


def chosen(names: Sequence[str]) -> dict[str, Row]:
    """Returns the rows of these names, in order. Raises UserError for a name without a row."""
    every = {name: row for file in FILES for name, row in rows(file).items()}
    for name in names:
        if not any(matches(each, name) for each in every):
            raise UserError(f"No row '{name}'.{hint(name, [*FILES, *every])} All: --list")
    return {each: row for each, row in every.items() if not names or any(matches(each, name) for name in names)}


def matches(row: str, name: str) -> bool:
    return row.split('/')[0] == name or fnmatch.fnmatch(row, name)


def lines_of(name: str, row: Row, found: dict[str, Process], facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns a line of the table for each contender."""
    own = next(iter(found.values())).figures
    return [line(name, row, each, process, own, facts) for each, process in found.items()]


def line(
    name: str, row: Row, contender: str, process: Process, own: Sequence[float], facts: dict[str, Any]
) -> dict[str, Any]:
    """Returns a contender's figures and how ours compare with them."""
    figures, goal = process.figures, row.goals.get(contender)
    values = dict.fromkeys(COLUMNS, '') | facts | {
        'row': name, 'contender': contender, 'unit': row.unit, 'equal': row.equal, 'repeats': len(figures),
        'absent': process.absent or '', 'goal': '' if goal is None else row.comparison.text.format(goal),
    }  # fmt: skip
    if figures:
        numbers = (statistics.median(figures), min(figures), max(figures))
        values |= dict(zip(('median', 'min', 'max'), (f'{number:.4g}' for number in numbers), strict=True))
        values['peak_mb'] = f'{process.memory:.0f}'
    if figures and own:
        advantage = row.comparison.of(statistics.median(own), statistics.median(figures))
        values['ours'] = row.comparison.text.format(advantage)
        if goal is not None:
            values['reached'] = 'yes' if row.comparison.good(advantage, goal) else 'no'
    return values


def write(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Writes table.csv, and table.md with a section for each row."""
    tables.write(path, lines, COLUMNS)
    parts = ['# Speed beside peers\n\n`ours`: our median relative to that of the contender.\n']
    for name in dict.fromkeys(each['row'] for each in lines):
        own = [each for each in lines if each['row'] == name]
        first = own[0]
        parts.append(
            f'\n## {name}\n\n{first["equal"]}.\n\n{tables.markdown(own, SHOWN)}\n'
            f'{first["date"]}, load average {first["load"]}, threads of torch: {first["threads"]}; '
            f'{first["hardware"]}; {first["versions"]}.\n'
        )
    atomic_write(path.with_suffix('.md'), ''.join(parts))


def load() -> str:
    """Returns the load average of the last minute."""
    return f'{os.getloadavg()[0]:.2f}'


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='name')
    parser.add_argument('--list', action='store_true', help='print the names of all rows and what they measure')
    parser.add_argument('--quick', action='store_true', help='little work, once, no table: only to see that it runs')
    parser.add_argument('--repeats', type=int, help='measurements of each contender; 7, quick: 1')
    parser.add_argument('--seconds', type=float, help='of each measurement; 1, quick: 0.02')
    parser.add_argument('--threads', type=int, help="torch's, for every contender; half of the cores")
    parser.add_argument('--alone', action='store_true', help='without peers')
    parser.add_argument('--out', type=Path, help='folder of the table; results/Speed/<processor>')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures row by row and writes each at once. Returns the exit status: 1 if this program failed in a row."""
    args = arguments(argv)
    try:
        wanted = chosen(args.names)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if args.list:
        print('\n'.join(f'{name:32} {row.equal}' for name, row in wanted.items()))
        return 0
    out = args.out or (None if args.quick else RESULTS)
    size = Size(args.quick, args.seconds or (0.02 if args.quick else 1.0))
    threads, repeats = choose_threads(args.threads), args.repeats or (1 if args.quick else 7)
    peers, failed = () if args.alone else PEERS, False
    for name, row in wanted.items():
        before, began = load(), time.monotonic()
        found = contest(name, row, size, threads, repeats, peers)
        facts = {
            'load': f'{before} to {load()}', 'threads': threads, 'date': time.strftime('%Y-%m-%d %H:%M'),
            'hardware': tables.hardware('cpu'), 'versions': tables.versions((*tables.PACKAGES, *PEERS)),
        }  # fmt: skip
        lines = lines_of(name, row, found, facts)
        print(f'\n{name} ({time.monotonic() - began:.0f} s): {row.equal}\n{tables.markdown(lines, SHOWN)}', flush=True)
        failed |= bool(lines[0]['absent'])
        if out:
            out.mkdir(parents=True, exist_ok=True)
            kept = [each for each in tables.read(out / 'table.csv') if each['row'] != name]
            write(out / 'table.csv', [*kept, *lines])
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
