"""Files and numbers of an evaluation of generated images."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from Agents import DQNAgent
from Datasets.Experience import Spec
from Datasets.Images.ImageData import Images
from Logging.Evaluation.Samples import create, reality
from tests.make import make

SPEC = Spec((1, 8, 8), 'uint8', (3,), 3, kind='classify')


@pytest.fixture
def arena():
    images = Images(torch.randint(256, (40, 1, 8, 8), dtype=torch.uint8), torch.arange(40) % 3)
    return SimpleNamespace(suite=SimpleNamespace(data=SimpleNamespace(test=images)))


def test_pictures_and_samples(arena, tmp_path):
    agent = make(DQNAgent, SPEC, generate=True, latent_dim=4, gan={'conditional': True})
    args = SimpleNamespace(samples=30, features=None, frame_stack=1, seed=1)
    numbers, written = create(args, agent, arena, None, tmp_path / 'mnist_1', tmp_path / 'pictures' / '7')
    assert numbers == {} and list(written) == ['Samples', 'Grid', 'Morphs', 'Neighbors']
    samples = np.load(tmp_path / 'mnist_1_Samples.npy', allow_pickle=False)
    assert samples.shape == (30, 1, 8, 8) and samples.dtype == np.uint8
    assert {path.name for path in (tmp_path / 'pictures').iterdir()} == {'7.png', '7_Morphs.png', '7_Neighbours.png'}
    with Image.open(tmp_path / 'pictures' / '7.png') as grid:  # three columns, one for each class
        assert grid.height > 3 * grid.width


def test_several_frames_move_in_a_gif(tmp_path):
    agent = make(DQNAgent, Spec((1, 8, 8), 'uint8', (), 3), generate=True, latent_dim=4, frame_stack=4)
    args = SimpleNamespace(samples=30, features=None, frame_stack=4, seed=1)
    frames = torch.randint(256, (30, 4, 8, 8), dtype=torch.uint8)
    memory = SimpleNamespace(sample=lambda generator, size: SimpleNamespace(obs=frames[:size]))
    create(args, agent, SimpleNamespace(suite=None), memory, tmp_path / 'pong_1', tmp_path / '7')
    with Image.open(tmp_path / '7.gif') as gif:
        assert gif.n_frames == 4


def test_reality_is_spread_over_the_test_set_and_the_same_each_time(arena):
    args = SimpleNamespace(samples=30, seed=1)
    assert np.array_equal(reality(args, arena, None), arena.suite.data.test.obs.numpy())
