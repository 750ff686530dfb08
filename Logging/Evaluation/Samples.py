"""What an agent creates: samples, pictures of them, and how near they come to the data's."""

import numpy as np

from Logging.Evaluation import Fidelity, Video
from Logging.Evaluation.Recognizer import judge
from Support.Files import save_array

PICTURED, MORPHS, NEIGHBOURS = 100, 8, 10  # images of the grid; rows of morphs; columns of neighbours
REAL = 10_000  # images of the data, to compare with


def create(args, agent, arena, memory, prefix, picture):
    """Paints args.samples images, saves and pictures them -> numbers by name: of their fidelity, with args.features.

    Pictures are the grid (one class a column, if conditional; of several frames also as a GIF), morphs from one noise
    to another, and each of the first samples above its nearest neighbour among the data.
    """
    images, real = agent.domain.create(args.samples).numpy(), reality(args, arena, memory)
    save_array(prefix.with_name(f'{prefix.name}_Samples.npy'), images)
    columns = agent.domain.labels or None
    Video.save_grid(picture.with_suffix('.png'), images[:PICTURED], columns)
    if args.frame_stack > 1:
        frames = images[:PICTURED].reshape(-1, args.frame_stack, images.shape[1] // args.frame_stack, *images.shape[2:])
        Video.save_gif(picture.with_suffix('.gif'), [Video.tile(frame, columns) for frame in frames.swapaxes(0, 1)])
    Video.save_grid(named(picture, 'Morphs'), agent.domain.morph(MORPHS).numpy(), columns=10)
    network = judge(args.features, real.shape[1:], agent.device) if args.features else None
    seen = network.features(images) if network else pixels(images)
    of_data = network.features_of_data(real) if network else pixels(real)
    first = images[:NEIGHBOURS]
    neighbours = real[Fidelity.nearest(of_data, seen[: len(first)])]
    Video.save_grid(named(picture, 'Neighbours'), np.concatenate([first, neighbours]), columns=len(first))
    return Fidelity.compare(of_data, seen) | network.told(images, agent.domain.labels) if network else {}


def reality(args, arena, memory):
    """uint8 [N, C, H, W]: images of the test set, or what a replay holds, the same at every evaluation."""
    if hasattr(arena.suite, 'data'):
        test = arena.suite.data.test.obs
        return test[np.linspace(0, len(test) - 1, min(len(test), REAL)).astype(int)].numpy()
    return memory.sample(np.random.default_rng(args.seed), args.samples).obs.cpu().numpy()


def named(picture, kind):
    return picture.with_name(f'{picture.name}_{kind}.png')


def pixels(images):
    """[N, C, H, W] -> [N, C H W]"""
    return images.reshape(len(images), -1).astype(np.float32)
