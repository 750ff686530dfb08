"""A look into a replay: counts, returns, frames, an episode. `python Run.py inspect=<replay> [to=<folder>]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from Datasets.Replay.ReplayFiles import FINAL, ReplayFiles, folder_bytes
from Support.Files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from Datasets.Replay.ReplayFiles import Episode

SHEET = 36  # frames of the contact sheet
GIF_FRAMES, GIF_SIDE = 300, 320  # the most frames, and about the side in pixels
CURVES = 6  # the most entries of a state that are drawn


def inspect(path: Path | str, to: Path | str | None = None) -> None:
    """Prints what the replay at `path` holds, and writes pictures of it to the folder `to`, or beside the replay."""
    path = Path(path)
    replay = ReplayFiles(None, path, mode='r')
    episodes = list(replay.episodes())
    returns = np.array([replay.read('reward', each)[:-1].sum() for each in episodes if each.whole])
    lengths = np.array([each.stop - each.start - 1 for each in episodes if each.whole])
    print(*describe(replay, episodes, returns, lengths), sep='\n')
    folder = Path(to) if to else path.with_name(f'{path.name}_Inspect')
    for picture in draw(replay, episodes, returns, folder):
        print(f'{"picture":13}{picture}')


def describe(
    replay: ReplayFiles, episodes: Sequence[Episode], returns: np.ndarray, lengths: np.ndarray
) -> Iterator[str]:
    """Yields the lines to print."""
    spec, capacity = replay.spec, replay.num_envs * replay.kept
    steps = sum(int((replay.read('flags', each) & FINAL == 0).sum()) for each in episodes)
    parts = ', '.join(f'{part.name} {list(part.shape)} {part.dtype}' for part in spec.parts)
    action = f'{spec.num_actions or "any"} choices' if not spec.action_shape else f'{list(spec.action_shape)} float32'
    yield f'{"replay":13}{replay.path}'
    yield f'{"observation":13}{parts or f"{list(spec.obs_shape)} {spec.obs_dtype}"}'
    yield f'{"action":13}{action}' + (f', one-hots of {list(spec.one_hots)} last' if spec.one_hots else '')
    yield f'{"steps":13}{steps:,}'
    yield f'{"episodes":13}{len(episodes):,}, {len(returns):,} of them whole'
    yield f'{"environments":13}{replay.num_envs:,}'
    yield f'{"capacity":13}{capacity:,} slots, {len(replay) / capacity:.1%} in use'.replace('%', ' %')
    for name, values in ('returns', returns), ('lengths', lengths):
        if len(values):
            yield f'{name:13}mean {values.mean():.4g}, min {values.min():.4g}, max {values.max():.4g}'
    yield f'{"bytes":13}{folder_bytes(replay.path):,}'


def draw(replay: ReplayFiles, episodes: Sequence[Episode], returns: np.ndarray, folder: Path) -> list[Path]:
    """Writes the pictures and returns their paths."""
    from Logging.Evaluation import Video
    from Logging.Plots import Figures

    written: list[Path | None] = []

    def figure(name: str, function: Callable[..., Figure], *arguments: Any) -> None:
        atomic_write(folder / name, Figures.png(function, *arguments))
        written.append(folder / name)

    if len(returns):
        figure('returns.png', histogram, returns)
    shown = next((each for each in reversed(episodes) if each.whole), episodes[-1] if episodes else None)
    if shown and replay.spec.images:
        written.append(Video.save_grid(folder / 'frames.png', images(replay, sheet(replay))))
        frames = images(replay, replay.read('obs', shown)[:: -(-(shown.stop - shown.start) // GIF_FRAMES)])
        written.append(Video.save_gif(folder / 'episode.gif', [picture(frame) for frame in frames], fps=15))
    elif shown:
        figure('episode.png', curves, states(replay, replay.read('obs', shown)), replay.read('reward', shown)[:-1])
    return [path for path in written if path]  # a video that failed has printed why


def sheet(replay: ReplayFiles) -> np.ndarray:
    """Returns observations [B, ...], evenly spread over all that the replay holds."""
    held = np.minimum(replay.heads, replay.kept)
    at = np.linspace(0, held.sum() - 1, min(SHEET, held.sum())).round().astype(int)
    env = np.searchsorted(held.cumsum(), at, side='right')
    oldest = replay.heads - held
    slot = oldest[env] + at - (held.cumsum() - held)[env]
    return replay.data['obs'][env, slot % replay.capacity]


def images(replay: ReplayFiles, obs: np.ndarray) -> np.ndarray:
    """Returns the images uint8 [B, C, H, W] of observations [B, ...], the first part of several."""
    names = [part.name for part in replay.spec.parts if part.kind == 'image']
    return replay.spec.split(obs)[names[0] if names else '']


def states(replay: ReplayFiles, obs: np.ndarray) -> np.ndarray:
    """Returns observations [B, ...] without images as numbers [B, D]."""
    return np.concatenate([part.reshape(len(part), -1) for part in replay.spec.split(obs).values()], 1)


def picture(frame: np.ndarray) -> np.ndarray:
    """Returns a frame [C, H, W] as [H', W', 3], enlarged to about GIF_SIDE pixels without blur."""
    frame = frame[-3:] if len(frame) % 3 == 0 else frame[-1:].repeat(3, 0)
    times = max(1, round(GIF_SIDE / max(frame.shape[1:])))
    return np.ascontiguousarray(frame.repeat(times, 1).repeat(times, 2).transpose(1, 2, 0))


def histogram(returns: np.ndarray) -> Figure:
    """Draws the distribution of the episodes' returns [E]."""
    from Logging.Plots import PlotParts

    chart, (axes,) = PlotParts.grid(1)
    low, high = returns.min(), returns.max()
    scores = high - low < 60 and (returns == returns.round()).all()  # whole numbers: a bar for each
    axes.hist(returns, bins=np.arange(low - 0.5, high + 1) if scores else 40)
    axes.set_xlabel('return of an episode')
    axes.set_ylabel('episodes')
    axes.set_title(f'{len(returns):,} whole episodes, mean {returns.mean():.4g}')
    return chart


def curves(state: np.ndarray, reward: np.ndarray) -> Figure:
    """Draws an episode's states [T + 1, D], the first entries of each, and its rewards [T] below."""
    from Logging.Plots import PlotParts

    chart, (above, below) = PlotParts.grid(2)
    for entry in range(min(CURVES, state.shape[1])):
        above.plot(state[:, entry], label=str(entry))
    above.legend(title='entry', fontsize=8)
    above.set_title(f'the first of {state.shape[1]} entries of the state' if state.shape[1] > CURVES else 'state')
    below.plot(reward)
    below.set_title(f'reward, {reward.sum():.4g} in all')
    for axes in (above, below):
        axes.set_xlabel('step')
    return chart
