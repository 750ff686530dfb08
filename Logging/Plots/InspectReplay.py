"""What a replay holds: counts, returns, frames, an episode. `python Run.py inspect=<replay> [to=<folder>]`."""

from pathlib import Path

import numpy as np

from Datasets.Replay.ReplayFiles import FINAL, ReplayFiles, folder_bytes
from Support.Files import atomic_write

SHEET = 36  # frames of the contact sheet
GIF_FRAMES, GIF_SIDE = 300, 320  # at most so many, of about so many pixels
CURVES = 6  # entries of a state that are drawn


def inspect(path, to=None):
    """Prints what the replay at `path` holds, and writes pictures of it into `to`, or beside it."""
    path = Path(path)
    rings = ReplayFiles(None, path, mode='r')
    episodes = list(rings.episodes())
    returns = np.array([rings.read('reward', each)[:-1].sum() for each in episodes if each.whole])
    lengths = np.array([each.stop - each.start - 1 for each in episodes if each.whole])
    print(*describe(rings, episodes, returns, lengths), sep='\n')
    folder = Path(to) if to else path.with_name(f'{path.name}_Inspect')
    for picture in draw(rings, episodes, returns, folder):
        print(f'{"picture":13}{picture}')


def describe(rings, episodes, returns, lengths):
    """The lines of the page."""
    spec, capacity = rings.spec, rings.num_envs * rings.kept
    steps = sum(int((rings.read('flags', each) & FINAL == 0).sum()) for each in episodes)
    parts = ', '.join(f'{part.name} {list(part.shape)} {part.dtype}' for part in spec.parts)
    action = f'{spec.num_actions or "any"} choices' if not spec.action_shape else f'{list(spec.action_shape)} float32'
    yield f'{"replay":13}{rings.path}'
    yield f'{"observation":13}{parts or f"{list(spec.obs_shape)} {spec.obs_dtype}"}'
    yield f'{"action":13}{action}' + (f', one-hots of {list(spec.one_hots)} last' if spec.one_hots else '')
    yield f'{"steps":13}{steps:,}'
    yield f'{"episodes":13}{len(episodes):,}, {len(returns):,} of them whole'
    yield f'{"environments":13}{rings.num_envs:,}'
    yield f'{"capacity":13}{capacity:,} slots, {len(rings) / capacity:.1%} in use'.replace('%', ' %')
    for name, values in ('returns', returns), ('lengths', lengths):
        if len(values):
            yield f'{name:13}mean {values.mean():.4g}, min {values.min():.4g}, max {values.max():.4g}'
    yield f'{"bytes":13}{folder_bytes(rings.path):,}'


def draw(rings, episodes, returns, folder):
    """Writes the pictures and returns their paths."""
    from Logging.Evaluation import Video
    from Logging.Plots import Figures

    written = []

    def figure(name, function, *arguments):
        atomic_write(folder / name, Figures.png(function, *arguments))
        written.append(folder / name)

    if len(returns):
        figure('returns.png', histogram, returns)
    shown = next((each for each in reversed(episodes) if each.whole), episodes[-1] if episodes else None)
    if shown is None:
        return written
    if rings.spec.images:
        written.append(Video.save_grid(folder / 'frames.png', images(rings, sheet(rings))))
        frames = images(rings, rings.read('obs', shown)[:: -(-(shown.stop - shown.start) // GIF_FRAMES)])
        written.append(Video.save_gif(folder / 'episode.gif', [picture(frame) for frame in frames], fps=15))
    else:
        figure('episode.png', curves, states(rings, rings.read('obs', shown)), rings.read('reward', shown)[:-1])
    return [path for path in written if path]  # a video that failed has said so


def sheet(rings):
    """Observations [B, ...], evenly spread over all that is held."""
    held = np.minimum(rings.heads, rings.kept)
    at = np.linspace(0, held.sum() - 1, min(SHEET, held.sum())).round().astype(int)
    env = np.searchsorted(held.cumsum(), at, side='right')
    oldest = rings.heads - held
    slot = oldest[env] + at - (held.cumsum() - held)[env]
    return rings.data['obs'][env, slot % rings.capacity]


def images(rings, obs):
    """Observations [B, ...] -> those of them that are images, the first of several, [B, C, H, W] uint8."""
    names = [part.name for part in rings.spec.parts if part.kind == 'image']
    return rings.spec.split(obs)[names[0] if names else '']


def states(rings, obs):
    """Observations [B, ...] without images -> numbers [B, D]."""
    return np.concatenate([part.reshape(len(part), -1) for part in rings.spec.split(obs).values()], 1)


def picture(frame):
    """A frame [C, H, W] -> [H', W', 3] of about GIF_SIDE pixels, each pixel a sharp square."""
    frame = frame[-3:] if len(frame) % 3 == 0 else frame[-1:].repeat(3, 0)
    times = max(1, round(GIF_SIDE / max(frame.shape[1:])))
    return np.ascontiguousarray(frame.repeat(times, 1).repeat(times, 2).transpose(1, 2, 0))


def histogram(returns):
    """How many episodes have which return."""
    from Logging.Plots import PlotParts

    chart, (axes,) = PlotParts.grid(1)
    low, high = returns.min(), returns.max()
    scores = high - low < 60 and (returns == returns.round()).all()  # whole numbers: a bar for each
    axes.hist(returns, bins=np.arange(low - 0.5, high + 1) if scores else 40)
    axes.set_xlabel('return of an episode')
    axes.set_ylabel('episodes')
    axes.set_title(f'{len(returns):,} whole episodes, mean {returns.mean():.4g}')
    return chart


def curves(state, reward):
    """An episode's states [T + 1, D], the first entries of each, and its rewards [T] below."""
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
