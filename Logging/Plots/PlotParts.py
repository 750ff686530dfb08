"""The parts of a figure: style, colors, axes, published results behind the curves, names in the margin, footer."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from Logging.Plots import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # x, mean, low and high end of the band, [T] each
Notes = list[tuple[float, str]]  # (score, name) of published results, for the margin

# Okabe and Ito's colors, distinct for every kind of color vision; yellow is left out on white.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
LINES = ('-', (0, (5, 1.5)), (0, (1.5, 1)))  # when all colors are used
NICE = (1, 2, 5, 10)  # ticks at these times a power of ten
MINUS = '\N{MINUS SIGN}'
GRAY, PALE, TEXT = '#8A8A8A', '#E9E9E9', '#5A5A5A'
STYLE = {
    'font.size': 9, 'axes.titlesize': 11, 'axes.titleweight': 'bold', 'axes.titlelocation': 'left', 'axes.titlepad': 8,
    'axes.labelsize': 9, 'axes.labelcolor': TEXT, 'axes.edgecolor': '#B0B0B0', 'axes.linewidth': 0.8,
    'axes.spines.top': False, 'axes.spines.right': False, 'axes.grid': True, 'axes.axisbelow': True,
    'grid.color': '#EFEFEF', 'grid.linewidth': 0.8, 'xtick.color': '#B0B0B0', 'ytick.color': '#B0B0B0',
    'xtick.labelcolor': TEXT, 'ytick.labelcolor': TEXT, 'xtick.labelsize': 8.5, 'ytick.labelsize': 8.5,
    'lines.linewidth': 1.8, 'lines.solid_capstyle': 'round', 'legend.frameon': False, 'legend.fontsize': 9,
    'figure.facecolor': 'white', 'savefig.facecolor': 'white', 'font.family': 'sans-serif',
    'font.sans-serif': ['DejaVu Sans'], 'text.usetex': False, 'axes.unicode_minus': True,
}  # fmt: skip
SUITES = {'atari': 'Atari', 'dmc': 'DeepMind Control, pixels', 'dmc_state': 'DeepMind Control, state',
          'gym': 'Gymnasium', 'classify': 'Classification'}  # fmt: skip
NAMES = {'mnist': 'MNIST', 'cifar10': 'CIFAR-10', 'cifar100': 'CIFAR-100', 'fashionmnist': 'FashionMNIST',
         'svhn': 'SVHN', 'kmnist': 'KMNIST', 'emnist': 'EMNIST', 'cartpole': 'CartPole'}  # fmt: skip
SHARED = {
    'atari': 'human-normalised score',
    'classify': 'test accuracy',
}  # Results.normalized; dmc: / 1000


class Marks:
    """A color and a line style for each pair of agent and experiment, the same in every figure of a call."""

    def __init__(self, results: pd.DataFrame) -> None:
        pairs = sorted(set(zip(results['agent'], results['experiment'], strict=True)))
        self.several = results['experiment'].nunique() > 1
        self.style = {pair: {'color': COLORS[i % len(COLORS)], 'linestyle': LINES[i // len(COLORS) % len(LINES)]}
                      for i, pair in enumerate(pairs)}  # fmt: skip

    def name(self, agent: str, experiment: str) -> str:
        return f'{agent} ({experiment})' if self.several else agent


def grid(panels: int, width: float = 4.6, height: float = 3.1) -> tuple[Figure, list[Axes]]:
    """Returns a figure with so many panels of this size in inches."""
    columns = panels if panels < 4 else 2 if panels == 4 else min(5, max(3, math.isqrt(panels)))
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(max(columns * width, 6.2), rows * height + 0.7), layout='constrained')
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08, wspace=0.02, hspace=0.04)
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(panels)]


def draw(axes: Axes, line: Line, style: dict[str, Any]) -> None:
    """Draws a curve and its band."""
    at, mean, low, high = line
    axes.fill_between(at, low, high, color=style['color'], alpha=0.18, linewidth=0, zorder=3)
    axes.plot(at, mean, **style, zorder=4, marker='o' if len(at) < 3 else None, markersize=4)


def frame_axes(axes: Axes, suite: str, lines: Iterable[Line]) -> None:
    """Fits the axes to the curves, without published results; an untrained classifier's first score may lie below."""
    lines = list(lines)
    values = np.concatenate([np.concatenate([mean, low, high]) for _, mean, low, high in lines])
    low, high = np.nanmin(values), np.nanmax(values)
    if suite == 'classify':
        trained = [value for _, mean, *_ in lines for value in mean[1:]]
        low = min(trained, default=low)
    least = (0.005 if suite == 'classify' else 0.05) * max(abs(low), abs(high), 1e-9)  # height: noise looks like noise
    low, high = min(low, (low + high - least) / 2), max(high, (low + high + least) / 2)
    room = 0.06 * (high - low)
    axes.set_ylim(low - room, high + room)
    end = max(at[-1] for at, *_ in lines)
    start = min(at[0] for at, *_ in lines)
    axes.set_xlim(start if end > start else start - 1, end if end > start else end + 1)
    axes.set_xlabel(x_of(suite) + 's')
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=NICE) if end > start else FixedLocator([start]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=NICE))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: thousands(value)))
    if suite == 'classify':
        axes.yaxis.set_major_formatter(FuncFormatter(percent))
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(ticks))
    axes.set_ylabel('test accuracy' if suite == 'classify' else 'return')


def references(axes: Axes, suite: str, task: str, results: pd.DataFrame) -> tuple[Notes, list[str]]:
    """Draws the published curves and scores of a task; returns notes for the margin, and sources."""
    notes, sources = [], []
    x1 = axes.get_xlim()[1]
    for method, curve in Results.published(suite, task, 'curves').groupby('method'):
        published = curve_x(curve, suite)
        inside = published <= x1
        if not inside.any() or published[~inside].min() > 5 * x1:
            continue  # the run is far shorter than the distance between published points
        at = np.append(published[inside], min(x1, published.max()))  # up to the edge of the frame
        score, spread, n = (np.interp(at, published, curve[name]) for name in ('score', 'std', 'n'))
        interval = 1.96 * spread / np.sqrt(n)
        axes.fill_between(at, score - interval, score + interval, color=PALE, linewidth=0, zorder=1)
        axes.plot(at, score, color=GRAY, linewidth=1.2, zorder=2)
        notes.append((score[-1], f'{method}, training' if 'training' in curve['note'].iloc[0] else method))
        sources.append(curve['source'].iloc[0])
        widen(axes, score)
    for row in comparable(suite, task, results['agent']).itertuples():
        if suite == 'atari' and x1 < row.step / 20:
            continue  # a run far shorter than what was published
        level(axes, row.score, 1.96 * row.std / math.sqrt(row.n))
        notes.append((row.score, label(row)))
        sources.append(row.source)
    return notes, sources


def level(axes: Axes, score: float, interval: float = np.nan) -> None:
    """Draws a published score as a dashed line, with the 95 % interval of its mean where that is known."""
    widen(axes, [score])
    axes.axhline(score, color=GRAY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)
    if interval > 0:
        axes.axhspan(score - interval, score + interval, color=PALE, linewidth=0, zorder=1, alpha=0.7)


def comparable(suite: str, task: str, agents: Iterable[str]) -> pd.DataFrame:
    """Returns published final scores of a task; in gym only those of the same algorithms, and the threshold."""
    known = Results.published(suite, task)
    if suite == 'gym':
        algorithms = {agent.upper() for agent in agents} | {'SOLVED'}
        known = known[known['method'].str.upper().isin(algorithms)]
    return known


def finals(suite: str, task: str, table: pd.DataFrame) -> pd.DataFrame:
    """Returns published scores to compare final ones with; of published curves the score where the agents ended."""
    known = comparable(suite, task, table['agent'])
    curves = Results.published(suite, task, 'curves').assign(step=lambda rows: curve_x(rows, suite))
    end = table['frames' if x_of(suite) == 'frame' else 'steps'].max()
    reached = curves[(curves['step'] <= end) & (curves['step'] > 0)]
    return pd.concat([known, reached.loc[reached.groupby('method')['step'].idxmax()]])


def normalized_references(axes: Axes, suite: str, tasks: Sequence[str]) -> tuple[Notes, list[str]]:
    """Draws published normalized means over the same tasks, of methods that have them all; returns as `references`."""
    notes: Notes = []
    sources: list[str] = []
    if suite == 'classify':  # each data set has other methods
        return notes, sources
    for rows in complete(Results.published(suite), tasks):
        score = np.mean([Results.normalized(suite, row.task, row.score) for row in rows.itertuples()])
        level(axes, score)
        notes.append((score, label(rows.iloc[0])))
        sources += list(rows['source'])
    for rows in complete(Results.published(suite, kind='curves'), tasks):
        of_task = [(curve_x(curve, suite), Results.normalized(suite, task, curve['score']))
                   for task, curve in rows.groupby('task')]  # fmt: skip
        end = min(axes.get_xlim()[1], *(at.max() for at, _ in of_task))
        at = np.linspace(max(at.min() for at, _ in of_task), end, 100)
        if at[0] < end and suite != 'atari':
            score = np.mean([np.interp(at, *curve) for curve in of_task], 0)
            axes.plot(at, score, color=GRAY, linewidth=1.2, zorder=2)
            widen(axes, score)
            notes.append((score[-1], rows['method'].iloc[0]))
            sources += list(rows['source'])
    return notes, sources


def complete(known: pd.DataFrame, tasks: Iterable[str]) -> list[pd.DataFrame]:
    """Returns the rows of each method that has all `tasks`."""
    wanted = {Results.key(task) for task in tasks}
    known = known[known['key'].isin(wanted)]
    return [rows for _, rows in known.groupby('method', sort=False) if rows['task'].nunique() == len(wanted)]


def curve_x(curve: pd.DataFrame, suite: str) -> pd.Series:
    """Returns the steps or frames of a published curve, as this suite's x axis counts."""
    return curve['frame'] / (1 if x_of(suite) == 'frame' else Results.FRAMES_PER_STEP.get(suite, 1))


def widen(axes: Axes, scores: Iterable[float]) -> None:
    """Extends the y axis to scores that lie within half its height; the margin names those farther away."""
    low, high = axes.get_ylim()
    height = getattr(axes, 'own_height', None) or high - low
    axes.own_height = height  # before anything was widened
    for score in scores:
        if high < score <= high + 0.5 * height:
            high = score + 0.04 * height
        elif low - 0.5 * height <= score < low:
            low = score - 0.04 * height
    axes.set_ylim(low, high)


def margin(axes: Axes, notes: Notes) -> None:
    """Writes names to the right of the frame, at their scores but not over each other; with arrows if beyond it."""
    low, high = axes.get_ylim()
    height = (axes.get_position().height * axes.figure.get_figheight()) or 2.5
    gap = 0.165 / max(height, 1.5)  # of a line of 8 points, as a share of the frame
    shares = [(np.clip((score - low) / (high - low), 0, 1), score, name) for score, name in notes]
    shares.sort(key=lambda note: (note[0], note[1]))
    places = [share for share, *_ in shares]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    top = 1.0
    for i in reversed(range(len(places))):
        places[i] = top = min(places[i], top)
        top -= gap
    for place, (share, score, name) in zip(places, shares, strict=True):
        beyond = f' {short(score)} ↑' if score > high else f' {short(score)} ↓' if score < low else ''
        axes.plot([1, 1.02, 1.035], [share, place, place], transform=axes.transAxes, color='#C8C8C8', linewidth=0.8,
                  clip_on=False, zorder=1)  # fmt: skip
        axes.text(1.045, place, name + beyond, transform=axes.transAxes, fontsize=8, color=TEXT, va='center')


def legend(figure: Figure, results: pd.DataFrame, marks: Marks) -> None:
    """Names each agent and experiment with its number of seeds, in as many rows as the width needs."""
    handles = []
    for pair, style in marks.style.items():
        runs = results[(results['agent'] == pair[0]) & (results['experiment'] == pair[1])]
        if len(runs):
            seeds = runs.groupby('task')['seed'].nunique()
            count = f'{seeds.min()}' if seeds.min() == seeds.max() else f'{seeds.min()}-{seeds.max()}'
            text = f'{marks.name(*pair)}, {count} seed{"s" if seeds.max() > 1 else ""}'
            handles.append(Line2D([], [], **style, label=text))
    inches = 0.7 + 0.075 * max(len(handle.get_label()) for handle in handles)  # of an entry
    columns = max(1, int(figure.get_figwidth() / inches))
    figure.set_figheight(figure.get_figheight() + 0.2 * (math.ceil(len(handles) / columns) - 1))
    figure.legend(handles=handles, loc='outside upper left', ncols=columns, handlelength=1.8)


def footer(figure: Figure, text: str, sources: Iterable[str]) -> None:
    """Writes what the figure shows, and where published results are from, below it."""
    sources = sorted({str(source).split(' (')[0].split(' ; ')[0] for source in sources})
    if sources:
        text += f' Grey: published results, from {", ".join(folders(sources))}.'
    lines = textwrap.wrap(text, int(figure.get_figwidth() * 17), break_long_words=False, break_on_hyphens=False)
    figure.supxlabel('\n'.join(lines), x=0.01, ha='left', fontsize=7.5, color=GRAY)


def folders(sources: Iterable[str]) -> list[str]:
    """Returns the repositories (or papers) of published results; the table's source column has the files."""
    return sorted({source.removeprefix('github:').split('@')[0].split(':')[0] for source in sources})


def label(row: Any) -> str:
    """Returns 'SPR (100k)' if the published score is after a number of steps, else the method."""
    return f'{row.method} ({thousands(row.step)})' if row.step > 0 else row.method


def x_of(suite: str) -> str:
    return 'frame' if suite in Results.FRAME_SUITES else 'step'


def pretty(task: str) -> str:
    return NAMES.get(task, task.replace('_', ' ').title())


def thousands(value: float) -> str:
    for size, letter in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if abs(value) >= size:
            return f'{value / size:.3g}{letter}'
    return f'{value:.3g}'


def short(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 2 else 2
    return f'{value:,.{digits}f}'.replace('-', MINUS)


def percent(value: float, _: int | None = None) -> str:
    return f'{100 * value:.4g} %'


def ticks(value: float, _: int | None = None) -> str:
    return f'{value:,.6g}'.replace('-', MINUS)
