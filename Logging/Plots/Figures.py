"""The figures that Plot writes: learning curves, normalized curves, final scores, confusion matrices.

They are drawn on matplotlib's own Figure and Agg canvas, so pyplot's state and the user's backend stay as they are.
Published results are gray and named in the margin, so that nothing covers a curve; the last line gives their source.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from Logging.Plots import PlotParts, Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def curves(results: pd.DataFrame, suite: str, marks: PlotParts.Marks) -> Figure:
    """Draws one panel per task: mean and 95 % band over seeds of every agent, in front of published results."""
    tasks = sorted(results['task'].unique())
    figure, panels = PlotParts.grid(len(tasks))
    sources, x = [], PlotParts.x_of(suite)
    for axes, task in zip(panels, tasks, strict=True):
        here = results[results['task'] == task]
        lines = {}
        for pair, runs in here.groupby(['agent', 'experiment']):
            seeds = [(run[x].to_numpy(), run['score'].to_numpy()) for _, run in runs.groupby('seed')]
            at, scores = Results.on_grid(seeds)
            lines[pair] = (at, *Results.mean_and_band([scores]))
            PlotParts.draw(axes, lines[pair], marks.style[pair])
        PlotParts.frame_axes(axes, suite, lines.values())
        notes, used = PlotParts.references(axes, suite, task, here)
        PlotParts.margin(axes, notes)
        sources += used
        axes.set_title(PlotParts.pretty(task))
    PlotParts.legend(figure, results, marks)
    measure = 'test accuracy' if suite == 'classify' else 'evaluation return'
    text = f'{PlotParts.SUITES.get(suite, suite)}: {measure}, mean and 95 % band over seeds (bootstrap; '
    text += 'of published means 1.96 standard errors).'
    PlotParts.footer(figure, text, sources)
    return figure


def normalized(results: pd.DataFrame, suite: str, marks: PlotParts.Marks) -> Figure | None:
    """Draws one panel per suite: the normalized score, averaged over the tasks that every agent has.

    Returns None if the tasks of the suite have no common scale, the agents no common task, or the tasks no common
    range of steps.
    """
    results = results.assign(score=[Results.normalized(suite, task, score) for task, score in
                                    zip(results['task'], results['score'], strict=True)])  # fmt: skip
    results = results[np.isfinite(results['score'].astype(float))]
    agents = results.groupby('task')[['agent', 'experiment']].apply(lambda rows: len(rows.drop_duplicates()))
    shared = agents.index[agents == len(results[['agent', 'experiment']].drop_duplicates())] if len(results) else []
    results = results[results['task'].isin(shared)]
    lines, x = {}, PlotParts.x_of(suite)
    for pair, runs in results.groupby(['agent', 'experiment']):
        ranges = runs.groupby('task')[x].agg(['min', 'max'])
        low, high = ranges['min'].max(), ranges['max'].min()  # where every task has a score
        every = np.unique(runs[x][(runs[x] >= low) & (runs[x] <= high)])
        if not len(every):
            continue
        per_task = []
        for _, of_task in runs.groupby('task'):
            seeds = [(run[x].to_numpy(), run['score'].to_numpy()) for _, run in of_task.groupby('seed')]
            per_task.append(np.stack([np.interp(every, *seed, left=np.nan, right=np.nan) for seed in seeds]))
        lines[pair] = (every, *Results.mean_and_band(per_task))
    if not lines:
        return None
    figure, (axes,) = PlotParts.grid(1)
    for pair, line in lines.items():
        PlotParts.draw(axes, line, marks.style[pair])
    PlotParts.frame_axes(axes, suite, lines.values())
    axes.set_ylabel(PlotParts.SHARED.get(suite, 'score / 1000'))
    tasks = sorted(results['task'].unique())
    notes, sources = PlotParts.normalized_references(axes, suite, tasks)
    PlotParts.margin(axes, notes)
    axes.set_title(f'{PlotParts.SUITES.get(suite, suite)}: mean of {len(tasks)} task{"s" if len(tasks) > 1 else ""}')
    PlotParts.legend(figure, results, marks)
    PlotParts.footer(
        figure, 'Evaluation, mean over seeds and tasks; band: 95 % stratified bootstrap over seeds.', sources
    )
    return figure


def bars(results: pd.DataFrame, suite: str, marks: PlotParts.Marks) -> Figure:
    """Draws one panel per task: final scores of the agents, published ones in gray; whiskers are std over seeds."""
    table = Results.table(results)
    tasks = sorted(table['task'].unique())
    published = {task: PlotParts.finals(suite, task, table[table['task'] == task]) for task in tasks}
    rows = [final_bars(table[table['task'] == task], suite, published[task], marks) for task in tasks]
    figure, panels = PlotParts.grid(len(tasks), height=0.75 + 0.27 * max(map(len, rows)))
    for axes, task, row in zip(panels, tasks, rows, strict=True):
        bar_panel(axes, row, max(map(len, rows)), percent=suite == 'classify')
        axes.set_title(PlotParts.pretty(task))
    measure = 'test error' if suite == 'classify' else 'evaluation return'
    name = PlotParts.SUITES.get(suite, suite)
    text = f'{name}: final {measure}, mean over seeds; whiskers: standard deviation over runs; '
    text += f'in brackets: after how many {PlotParts.x_of(suite)}s.'
    PlotParts.footer(figure, text, [source for known in published.values() for source in known['source']])
    return figure


def final_bars(
    table: pd.DataFrame, suite: str, published: pd.DataFrame, marks: PlotParts.Marks
) -> list[tuple[str, float, float, Any]]:
    """Returns [(name, score, std, color), ...]: the agents, best first, then the published scores, best first.

    Accuracies become errors, by which good classifiers differ visibly.
    """
    ends = table['frames' if PlotParts.x_of(suite) == 'frame' else 'steps']
    own: list[tuple[str, float, float, Any]] = []
    theirs = [(PlotParts.label(row), row.score, row.std, '#C4C4C4') for row in published.itertuples()]
    for row, end in zip(table.itertuples(), ends, strict=True):
        name = f'{marks.name(row.agent, row.experiment)} ({PlotParts.thousands(end)})'
        own.append((name, row.mean, row.std, marks.style[row.agent, row.experiment]['color']))
    rows = [row for rows in (own, theirs) for row in sorted(rows, key=lambda row: -row[1])]
    return [(name, 1 - score, *rest) for name, score, *rest in rows] if suite == 'classify' else rows


def bar_panel(axes: Axes, rows: Sequence[tuple[str, float, float, str]], slots: int, percent: bool) -> None:
    """Draws bars from the top down, as thick as if there were `slots` of them."""
    names, scores, spreads, colors = (np.array(column) for column in zip(*rows, strict=True))
    places, scores = np.arange(len(rows))[::-1], scores.astype(float)
    whiskers = np.nan_to_num(spreads.astype(float))
    axes.barh(places, scores, 0.66, color=colors)
    some = whiskers > 0
    axes.errorbar(
        scores[some], places[some], xerr=whiskers[some], fmt='none', ecolor='#444444', elinewidth=0.9, capsize=2
    )
    axes.set_yticks(places, names)
    axes.set_ylim(len(rows) - 0.6 - slots, len(rows) - 0.4)
    axes.tick_params('y', length=0)
    axes.grid(axis='y', visible=False)
    axes.spines['left'].set_visible(False)
    axes.axvline(0, color='#B0B0B0', linewidth=0.8)
    low, high = min(0, *(scores - whiskers)), max(0, *(scores + whiskers))
    best = scores.argmax()
    rest = np.delete(scores + whiskers, best).max(initial=0)
    if scores[best] > 4 * rest > 0 and not some[best]:
        high = 2 * rest  # one bar far beyond all others (a human) may leave the frame
    unit = (high - low) / 50 or 1
    axes.set_xlim(low - 9 * unit * (low < 0), high + 9 * unit * (high > 0))  # with room for the numbers
    for place, score, whisker in zip(places, scores, whiskers, strict=True):
        end, side = score + math.copysign(whisker + unit, score), 'left' if score >= 0 else 'right'
        text = f'{score:.2%}'.replace('%', ' %') if percent else PlotParts.short(score)
        if score > high:
            axes.barh(place, 9 * unit, 0.67, left=high, color='white')
            end, text = high + unit, f'{text} →'
        axes.text(end, place, text, va='center', ha=side, fontsize=8, color=PlotParts.TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=PlotParts.NICE))
    axes.xaxis.set_major_formatter(FuncFormatter(PlotParts.percent if percent else PlotParts.ticks))


def confusion(matrix: np.ndarray, names: Sequence[str] | None = None) -> Figure:
    """Draws counts [K, K] (row: label, column: prediction) as shares of each label."""
    matrix = np.asarray(matrix)
    classes = len(matrix)
    names = [str(name) for name in (range(classes) if names is None else names)]
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    inches = float(np.clip(0.42 * classes + 1.4, 3.6, 11))
    figure = Figure(figsize=(inches + 0.8, inches + 0.4), layout='compressed')
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    axes = figure.add_subplot()
    image = axes.imshow(shares**0.5, cmap='Blues', vmin=0, vmax=1)  # the root shows rare confusions
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if classes <= 40:
        long = max(map(len, names)) > 3
        axes.set_xticks(range(classes), names, rotation=90 if long else 0)
        axes.set_yticks(range(classes), names)
    axes.tick_params(length=0)
    if classes <= 20:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            color = 'white' if shares[row, column] > 0.25 else PlotParts.TEXT
            axes.text(column, row, f'{matrix[row, column]:,}', ha='center', va='center', fontsize=7.5, color=color)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
    bar.set_ticks([share**0.5 for share in (0, 0.01, 0.1, 0.5, 1)], labels=['0 %', '1 %', '10 %', '50 %', '100 %'])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    axes.set_xlabel('prediction')
    axes.set_ylabel('label')
    right, total = int(np.trace(matrix)), int(matrix.sum())
    axes.set_title(f'{right:,} of {total:,} right ({right / max(total, 1):.2%})'.replace('%', ' %'))
    return figure


def png(function: Callable[..., Figure | None], *arguments: Any) -> bytes:
    """Returns the figure that `function` draws, in this program's style, as a PNG; no bytes if it draws none."""
    with rc_context(PlotParts.STYLE):
        figure = function(*arguments)
        if figure is None:
            return b''
        FigureCanvasAgg(figure)
        file = io.BytesIO()
        figure.savefig(file, format='png', dpi=160)
    return file.getvalue()
