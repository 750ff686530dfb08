"""Figures and tables of what was run: `python -m Logging.Plot experiments=[A,B] suites=atari`.

Importing this module costs nothing: pandas and matplotlib are imported when something is drawn.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from Logging.Sinks import say
from Support.Errors import UserError, hint, one_line
from Support.Files import atomic_write

FILTERS = ('experiments', 'agents', 'suites', 'tasks', 'seeds')
OPTIONS = (*FILTERS, 'root', 'out')


def plot(root='Benchmarking', experiments=None, agents=None, suites=None, tasks=None, seeds=None, out=None):
    """Draws the evaluations under `root` that pass the filters (None: all; a name; a list of names) in `out` (default:
    `root`/<the first experiment>/Plots), per suite: `<suite>_curves.png`, `<suite>_bars.png`, `<suite>_table.csv`, and
    where tasks share a scale `<suite>_normalised.png` and `.csv`. Returns the paths written.

    Never raises for what it finds: files that do not fit and figures that fail are named in a line, a run goes on."""
    from Logging.Plots import Figures, PlotParts, Results

    results = Results.find(root, experiments, agents, suites, tasks, seeds)
    if not len(results):
        filters = zip(FILTERS, (experiments, agents, suites, tasks, seeds), strict=True)
        wanted = ', '.join(f'{name}={value}' for name, value in filters if value is not None)
        say(f'Nothing to plot under {root}' + (f' for {wanted}' if wanted else ''))
        return []
    first = results['experiment'].iloc[0] if experiments is None else Results.as_list(experiments)[0]
    out = Path(out or Path(root) / str(first) / 'Plots')
    marks, written = PlotParts.Marks(results), []
    for suite, here in results.groupby('suite'):
        written.append(save(out / f'{suite}_table.csv', partial(Results.table(here).to_csv, index=False)))
        aggregate = Results.aggregate(here, suite)
        if aggregate is not None:
            written.append(save(out / f'{suite}_normalised.csv', partial(aggregate.to_csv, index=False)))
        for name, figure in ('curves', Figures.curves), ('normalised', Figures.normalised), ('bars', Figures.bars):
            path = out / f'{suite}_{name}.png'
            written.append(save(path, partial(Figures.png, figure, here, suite, marks)))
    return [path for path in written if path]


def plot_run(args):
    """Draws what a run's config asks for: its experiment, or those that plotting.plot_experiments names."""
    root, names = Path(args.root, 'Benchmarking'), args.plotting.plot_experiments or [args.experiment]
    filters = {name: args.plotting[f'plot_{name}'] for name in ('agents', 'suites', 'tasks', 'seeds')}
    return plot(root, names, **filters, out=root / args.experiment / 'Plots')


def save_confusion(path, label, prediction, class_names):
    """Draws how often each class (row) was taken for each (column) as a PNG, from labels and predictions [N]. Returns
    the path, None if that failed."""
    from Logging.Plots import Figures

    classes = len(class_names)
    pairs = np.bincount(label * classes + prediction, minlength=classes**2)
    return save(Path(path), partial(Figures.png, Figures.confusion, pairs.reshape(classes, classes), class_names))


def save(path, draw):
    """Writes what `draw` returns (bytes or text; None: nothing). The path; None, and a line, if that failed."""
    try:
        content = draw()
        if content is not None:
            atomic_write(path, content)
            return path
    except Exception as error:  # whatever is wrong with a figure, it must not cost a run
        say(f'Not drawn: {path} ({type(error).__name__}: {one_line(error)})', sys.stderr)
    return None


def main(arguments):
    """key=value arguments, lists as [A,B]; without `experiments`, each experiment gets its own Plots folder."""
    options = {}
    for argument in arguments:
        name, equals, value = argument.partition('=')
        if name not in OPTIONS or not equals:
            near = hint(name, OPTIONS)
            raise UserError(f'{argument} is no option of python -m Logging.Plot.{near} All: {"= ".join(OPTIONS)}=')
        listed = [each.strip(' \'"') for each in value.strip('[]()').split(',')]
        options[name] = value if name in ('root', 'out') else listed
    root = Path(options.pop('root', 'Benchmarking'))
    if 'experiments' in options or 'out' in options:
        groups = [options]
    else:
        from Logging.Plots import Results

        groups = [options | {'experiments': [name]} for name in Results.experiments(root)]
    written = [path for group in groups for path in plot(root, **group)]
    print('\n'.join(map(str, written)) or f'No evaluations under {root}; give another folder with root=')


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
