"""Samples of what an agent generates: pictures of them, and how close they are to the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from Logging.Evaluation import Fidelity, Video
from Logging.Evaluation.Recognizer import judge
from Support.Files import save_array

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Replay.Replay import Replay
    from Environment import Environment

PICTURED, MORPHS, NEIGHBORS = 100, 8, 10  # images of the grid; rows of morphs; columns of neighbors
REAL = 10_000  # images of the data to compare with


def create(
    args: DictConfig, agent: Agent, arena: Environment, replay: Replay, prefix: Path, picture: Path
) -> tuple[dict[str, float], dict[str, Path]]:
    """Generates args.samples images, saves them and draws some of them.

    Pictures are a grid (of a conditional agent one class per column; of several frames also a GIF), morphs from one
    noise to another, and the first samples, each above its nearest neighbor in the data. Returns numbers of their
    fidelity if args.features is given, and the files by name.
    """
    domain: Any = agent.domain  # Agents.Domains.Generation
    images, real = domain.create(args.samples).numpy(), reality(args, arena, replay)
    columns = domain.labels or None
    files: dict[str, Path | None] = {'Samples': prefix.with_name(f'{prefix.name}_Samples.npy')}
    save_array(prefix.with_name(f'{prefix.name}_Samples.npy'), images)
    files['Grid'] = Video.save_grid(picture.with_suffix('.png'), images[:PICTURED], columns)
    if args.frame_stack > 1:
        frames = images[:PICTURED].reshape(-1, args.frame_stack, images.shape[1] // args.frame_stack, *images.shape[2:])
        tiles = [Video.tile(frame, columns) for frame in frames.swapaxes(0, 1)]
        files['Frames'] = Video.save_gif(picture.with_suffix('.gif'), tiles)
    files['Morphs'] = Video.save_grid(named(picture, 'Morphs'), domain.morph(MORPHS).numpy(), columns=10)
    network = judge(args.features, real.shape[1:], agent.device) if args.features else None
    seen = network.features(images) if network else pixels(images)
    of_data = network.features_of_data(real) if network else pixels(real)
    first = images[:NEIGHBORS]
    neighbors = real[Fidelity.nearest(of_data, seen[: len(first)])]
    pairs = np.concatenate([first, neighbors])
    files['Neighbors'] = Video.save_grid(named(picture, 'Neighbours'), pairs, columns=len(first))
    numbers = Fidelity.compare(of_data, seen) | network.recognition(images, domain.labels) if network else {}
    return numbers, {name: path for name, path in files.items() if path}


def reality(args: DictConfig, arena: Environment, replay: Replay) -> np.ndarray:
    """Returns real images uint8 [N, C, H, W], the same at every evaluation: of the test set, or from the replay."""
    if hasattr(arena.suite, 'data'):
        test = arena.suite.data.test.obs
        return test[np.linspace(0, len(test) - 1, min(len(test), REAL)).astype(int)].numpy()
    return replay.sample(np.random.default_rng(args.seed), args.samples).obs.cpu().numpy()


def named(picture: Path, kind: str) -> Path:
    return picture.with_name(f'{picture.name}_{kind}.png')


def pixels(images: np.ndarray) -> np.ndarray:
    """[N, C, H, W] -> float32 [N, C H W]"""
    return images.reshape(len(images), -1).astype(np.float32)
