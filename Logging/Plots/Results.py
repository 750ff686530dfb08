"""Results of runs and published results as tables, for Plot.

Published results lie in Reference/: scores.csv (final scores) and curves.csv (learning curves by raw frames), each row
with its source. Both are excerpts; `n` is the number of runs of a row, `std` their standard deviation.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from Logging.Sinks import say

REFERENCE = Path(__file__).parent / 'Reference'
METRIC = {'classify': 'accuracy'}  # the score of a suite, if not its reward
RUN = ['experiment', 'agent', 'suite', 'task', 'seed']
FRAME_SUITES = ('dmc', 'dmc_state')  # x axes count raw frames, as in the literature; elsewhere agent steps
FRAMES_PER_STEP = {'atari': 4}  # of the published Atari curves


def find(
    root: Path | str,
    experiments: Any = None,
    agents: Any = None,
    suites: Any = None,
    tasks: Any = None,
    seeds: Any = None,
) -> pd.DataFrame:
    """Returns every evaluation logged under `root`/<experiment>/<Agent>/<suite>/<task>_<seed>_Eval.csv that passes the
    filters: columns experiment, agent, suite, task, seed, step, frame, score (float64: accuracy in 0..1 or raw reward).

    A filter is None (all), one name or a list. Agents match with or without 'Agent' at the end, tasks also as
    '<suite>/<task>'. Files that do not fit are reported in a line and skipped.
    """
    root, found = Path(root), []
    folders = [root] if experiments is None else [root / str(name) for name in as_list(experiments)]
    for path in sorted(path for folder in folders for path in folder.rglob('*_Eval.csv')):
        parts = path.relative_to(root).parts
        name = re.fullmatch(r'(?P<task>.+)_(?P<seed>\d+)_Eval\.csv', path.name)
        if len(parts) < 4 or not name:
            say(f'Not plotted: {path} is not <experiment>/<Agent>/<suite>/<task>_<seed>_Eval.csv')
            continue
        agent, suite = parts[-3].removesuffix('Agent') or parts[-3], parts[-2]
        run = ('/'.join(parts[:-3]), agent, suite, name['task'], int(name['seed']))
        if passes(run[0], experiments) and (passes(agent, agents) or passes(parts[-3], agents)) and (
            passes(suite, suites) and passes(run[4], seeds)
            and (passes(run[3], tasks) or passes(f'{suite}/{run[3]}', tasks))
        ):  # fmt: skip
            table = read(path, METRIC.get(suite, 'reward'))
            if table is not None:
                found.append(table.assign(**dict(zip(RUN, run, strict=True))))
    columns = [*RUN, 'step', 'frame', 'score']
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def experiments(root: Path | str) -> list[str]:
    """Returns the names of the experiments that have an evaluation under `root`."""
    paths = (path.relative_to(root).parts for path in Path(root).rglob('*_Eval.csv'))
    return sorted({'/'.join(parts[:-3]) for parts in paths if len(parts) >= 4})


def passes(value: Any, allowed: Any) -> bool:
    """Whether a value is one of those allowed: a name, a list of names, or None for all."""
    if allowed is None:
        return True
    return str(value) in {str(each) for each in as_list(allowed)}


def as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | int) else list(value)


def read(path: Path, metric: str) -> pd.DataFrame | None:
    """Returns columns step, frame, score of a file, a row per step (the last logged); None, and prints why, if it has
    none."""
    try:
        table = pd.read_csv(path)
        table = table[['step', 'frame', metric]].set_axis(['step', 'frame', 'score'], axis=1)
        table = table.apply(pd.to_numeric, errors='coerce')
    except KeyError:
        say(f'Not plotted: {path} has no columns step, frame and {metric}')
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        say(f'Not plotted: {path} cannot be read as a log ({" ".join(str(error).split())})')
    else:
        table = table[np.isfinite(table['score']) & np.isfinite(table['step'])]
        table['frame'] = table['frame'].fillna(table['step'])
        if len(table):
            return table.drop_duplicates('step', keep='last').sort_values('step')
        say(f'Not plotted: {path} holds no score yet')
    return None


def final(results: pd.DataFrame) -> pd.DataFrame:
    """Returns the last evaluation of each run, one row per run."""
    return results.sort_values('step').groupby(RUN, as_index=False).last()


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Returns final scores: mean, sample std and number of seeds per suite, task, experiment and agent.

    `steps` and `frames` are of the seed with the fewest; `normalised` is the normalized mean.
    """
    groups = final(results).groupby(['suite', 'task', 'experiment', 'agent'], as_index=False)
    summary = groups.agg(mean=('score', 'mean'), std=('score', 'std'), n_seeds=('seed', 'nunique'),
                         steps=('step', 'min'), frames=('frame', 'min'))  # fmt: skip
    summary.insert(4, 'metric', [METRIC.get(suite, 'reward') for suite in summary['suite']])
    rows = zip(summary['suite'], summary['task'], summary['mean'], strict=True)
    summary['normalised'] = [normalized(*row) for row in rows]
    return summary.astype({'steps': 'int64', 'frames': 'int64'})


def aggregate(results: pd.DataFrame, suite: str) -> pd.DataFrame | None:
    """Returns final normalized scores over the tasks of a suite, one row per experiment and agent: mean and median over
    the tasks' means, interquartile mean over all runs (arXiv:2108.13264). None if the tasks have no common scale."""
    runs = final(results)
    runs['score'] = [normalized(suite, task, score) for task, score in zip(runs['task'], runs['score'], strict=True)]
    runs = runs[runs['score'].notna()]
    rows = []
    for (experiment, agent), own in runs.groupby(['experiment', 'agent']):
        means = own.groupby('task')['score'].mean()
        ordered = np.sort(own['score'])
        cut = len(ordered) // 4
        iqm = ordered[cut : len(ordered) - cut].mean()
        rows.append((experiment, agent, len(means), len(own), means.mean(), means.median(), iqm))
    columns = ['experiment', 'agent', 'n_tasks', 'n_runs', 'mean', 'median', 'iqm']
    return pd.DataFrame(rows, columns=columns) if rows else None


def normalized(suite: str, task: str, score: Any) -> Any:
    """Returns a score, or a series of scores, on a scale that tasks share: accuracy as it is, DeepMind Control in 0..1,
    Atari human-normalized (0: a random agent, 1: the human tester). NaN if there is no such scale."""
    if suite == 'classify':
        return score
    if suite in FRAME_SUITES:
        return score / (250 if task.startswith('manipulation_') else 1000)  # frames of an episode, 1 each at most
    if suite == 'atari':
        known = published(suite, task).set_index('method')['score']
        if {'Random', 'Human'} <= set(known.index):
            return (score - known['Random']) / (known['Human'] - known['Random'])
    return score * np.nan


def key(task: str) -> str:
    """Returns one spelling of a task's name: mspacman for ms_pacman and MsPacman."""
    return re.sub(r'[^a-z0-9]', '', re.sub(r'-v\d+$', '', str(task)).lower())


@functools.cache
def published(suite: str, task: str | None = None, kind: str = 'scores') -> pd.DataFrame:
    """Returns the rows of Reference/<kind>.csv for a suite, or for one of its tasks. Cached: do not change them."""
    rows = reference(kind)
    return rows[(rows['suite'] == suite) & (True if task is None else rows['key'] == key(task))]


@functools.cache
def reference(kind: str) -> pd.DataFrame:
    rows = pd.read_csv(REFERENCE / f'{kind}.csv')
    return rows.assign(key=rows['task'].map(key))


def on_grid(
    runs: Sequence[tuple[np.ndarray, np.ndarray]], low: float = -np.inf, high: float = np.inf, points: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolates runs [(x, y), ...] linearly at common x [T]; returns x and scores [S, T], NaN outside of a run."""
    grid = np.unique(np.concatenate([x for x, _ in runs]))
    grid = grid[(grid >= low) & (grid <= high)]
    if len(grid) > points:
        grid = np.linspace(grid[0], grid[-1], points)
    return grid, np.stack([np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in runs])


def mean_and_band(
    tasks: Iterable[np.ndarray], resamples: int = 2000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns mean and 95 % bootstrap band (low, high), [T] each, of scores [seeds, T] for each task.

    Runs are resampled within each task (stratified bootstrap, arXiv:2108.13264), then averaged over seeds and tasks.
    NaN marks a step without a score of a run. If no task has a second run, the band is NaN.
    """
    random = np.random.default_rng(seed)
    drawn, means = [], []
    for scores in tasks:
        runs = len(scores)
        there = np.isfinite(scores)
        times = random.multinomial(runs, np.full(runs, 1 / runs), size=resamples)  # [R, S] how often each run is drawn
        with np.errstate(invalid='ignore'):
            drawn.append(times @ np.where(there, scores, 0) / (times @ there))  # [R, T]
            means.append(np.where(there, scores, 0).sum(0) / there.sum(0))
    mean, samples = np.mean(means, 0), np.mean(drawn, 0)
    if all(len(scores) == 1 for scores in tasks):
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    places = np.isfinite(mean)
    low[places], high[places] = np.nanpercentile(samples[:, places], [2.5, 97.5], axis=0)
    return mean, low, high
