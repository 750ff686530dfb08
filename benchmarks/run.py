"""This program's speed beside its peers', doing the same work by turns: python benchmarks/run.py [name ...]

A name is a row's, with or without * (envs/pong-16, 'replay/*-prioritized'), or a whole file's (envs, replay, learner,
classify, loops, goals, start, growth); none: all. Every contender has a process of its own. Writes table.csv and
table.md: medians with least and most, what they were measured on, and who is absent and why. Lines of other rows stay.
"""

import argparse
import fnmatch
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it does not find the project's packages

import Utils
from benchmarks import tables
from benchmarks.contest import Size, contest, rows

FILES = ('envs', 'replay', 'learner', 'classify', 'loops', 'goals', 'start', 'growth')
PEERS = ('stable-baselines3', 'torchrl', 'cpprb', 'tianshou', 'envpool', 'lightning')
RESULTS = Utils.PROJECT / 'results' / 'Speed' / tables.processor()  # unlike machines apart
SHOWN = ('contender', 'median', 'min', 'max', 'unit', 'ours', 'goal', 'reached', 'peak_mb', 'absent')
COLUMNS = ('row', *SHOWN, 'repeats', 'equal', 'load', 'threads', 'date', 'hardware', 'versions')


def chosen(names):
    """The rows of these names, in order. Raises UserError for a name of none."""
    every = {name: row for file in FILES for name, row in rows(file).items()}
    for name in names:
        if not any(matches(each, name) for each in every):
            raise Utils.UserError(f"No row '{name}'.{Utils.hint(name, [*FILES, *every])} All: --list")
    return {each: row for each, row in every.items() if not names or any(matches(each, name) for name in names)}


def matches(row, name):
    return row.split('/')[0] == name or fnmatch.fnmatch(row, name)


def lines_of(name, row, found, facts):
    """A line of the table for each contender."""
    own = next(iter(found.values())).figures
    return [line(name, row, each, process, own, facts) for each, process in found.items()]


def line(name, row, contender, process, own, facts):
    """Its figures, and how ours stand beside them."""
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


def write(path, lines):
    """table.csv, and table.md with a section for each row."""
    tables.write(path, lines, COLUMNS)
    parts = ['# Speed beside peers\n\n`ours`: how our median stands beside this one.\n']
    for name in dict.fromkeys(each['row'] for each in lines):
        own = [each for each in lines if each['row'] == name]
        first = own[0]
        parts.append(
            f'\n## {name}\n\n{first["equal"]}.\n\n{tables.markdown(own, SHOWN)}\n'
            f'{first["date"]}, load average {first["load"]}, threads of torch: {first["threads"]}; '
            f'{first["hardware"]}; {first["versions"]}.\n'
        )
    Utils.atomic_write(path.with_suffix('.md'), ''.join(parts))


def load():
    """Processes that wanted to run in the last minute, on average."""
    return f'{os.getloadavg()[0]:.2f}'


def arguments(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='name')
    parser.add_argument('--list', action='store_true', help='the names of all rows, and what they measure')
    parser.add_argument('--quick', action='store_true', help='little work, once, no table: only to see that it runs')
    parser.add_argument('--repeats', type=int, help='measurements of each contender; 7, quick: 1')
    parser.add_argument('--seconds', type=float, help='of each measurement; 1, quick: 0.02')
    parser.add_argument('--threads', type=int, help="torch's, of every contender; half of the cores")
    parser.add_argument('--alone', action='store_true', help='without peers')
    parser.add_argument('--out', type=Path, help='folder of the table; results/Speed/<processor>')
    return parser.parse_args(argv)


def main(argv=None):
    """Measures row by row, each of which is written at once. Returns the exit status: 1 if one of ours failed."""
    args = arguments(argv)
    try:
        wanted = chosen(args.names)
    except Utils.UserError as error:
        print(error, file=sys.stderr)
        return 2
    if args.list:
        print('\n'.join(f'{name:32} {row.equal}' for name, row in wanted.items()))
        return 0
    out = args.out or (None if args.quick else RESULTS)
    size = Size(args.quick, args.seconds or (0.02 if args.quick else 1.0))
    threads, repeats = Utils.choose_threads(args.threads), args.repeats or (1 if args.quick else 7)
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
