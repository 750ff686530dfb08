"""Figures and tables of results: `python -m Logging.Plot experiments=[A,B] suites=atari`.

Importing this module is cheap: pandas and matplotlib are imported when something is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from Logging.Sinks import say
from Support.Errors import UserError, hint, one_line
from Support.Files import atomic_write

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILTERS = ('experiments', 'agents', 'suites', 'tasks', 'seeds')
OPTIONS = (*FILTERS, 'root', 'out')


def plot(
    root: Path | str = 'Benchmarking',
    experiments: Any = None,
    agents: Any = None,
    suites: Any = None,
    tasks: Any = None,
    seeds: Any = None,
    out: Path | str | None = None,
) -> list[Path]:
    """Draws the evaluations under `root`, and returns the paths of the figures and tables written.

    Per suite these are `<suite>_curves.png`, `<suite>_bars.png`, `<suite>_table.csv`, and where tasks share a scale
    `<suite>_normalised.png` and `.csv`. Files that do not fit and figures that fail are reported in a line; they raise
    nothing, so that a run never ends because of them.

    Arguments:
        experiments, agents, suites, tasks, seeds: what to draw: None for all, a name, or a list of names.
        out: folder to write to; None: `root`/<the first experiment>/Plots.
    """
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
        for name, figure in ('curves', Figures.curves), ('normalised', Figures.normalized), ('bars', Figures.bars):
            path = out / f'{suite}_{name}.png'
            written.append(save(path, partial(Figures.png, figure, here, suite, marks)))
    return [path for path in written if path]


def plot_run(args: DictConfig) -> list[Path]:
    """Draws a run's experiment, or the experiments in plotting.plot_experiments; returns the paths written."""
    root, names = Path(args.root, 'Benchmarking'), args.plotting.plot_experiments or [args.experiment]
    filters = {name: args.plotting[f'plot_{name}'] for name in ('agents', 'suites', 'tasks', 'seeds')}
    return plot(root, names, **filters, out=root / args.experiment / 'Plots')


def save_confusion(
    path: Path | str, label: np.ndarray, prediction: np.ndarray, class_names: Sequence[str]
) -> Path | None:
    """Draws the confusion matrix of labels and predictions, int64 [N]; returns its path, None if that failed."""
    from Logging.Plots import Figures

    classes = len(class_names)
    pairs = np.bincount(label * classes + prediction, minlength=classes**2)
    return save(Path(path), partial(Figures.png, Figures.confusion, pairs.reshape(classes, classes), class_names))


def save(path: Path, draw: Callable[[], bytes | str]) -> Path | None:
    """Writes what `draw` returns, unless it is empty; returns the path, or None and prints why it failed."""
    try:
        content = draw()
        if content:
            atomic_write(path, content)
            return path
    except Exception as error:  # no figure is worth a run
        say(f'Not drawn: {path} ({type(error).__name__}: {one_line(error)})', sys.stderr)
    return None


def main(arguments: Sequence[str]) -> None:
    """Draws what key=value arguments ask for, lists as [A,B]; without `experiments`, each gets its own Plots folder.

    Raises UserError for an unknown option.
    """
    options: dict[str, Any] = {}
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
