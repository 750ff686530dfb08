"""What an evaluation of created images writes and measures."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from Agents import DQNAgent
from Datasets.Experience import Spec
from Datasets.Images import Images
from Logging.Creations import create, measured, reality

SPEC = Spec((1, 8, 8), 'uint8', (3,), 3, kind='classify')


@pytest.fixture
def arena():
    images = Images(torch.randint(256, (40, 1, 8, 8), dtype=torch.uint8), torch.arange(40) % 3)
    return SimpleNamespace(suite=SimpleNamespace(data=SimpleNamespace(test=images)))


def test_pictures_and_samples(arena, tmp_path):
    agent = DQNAgent(SPEC, generate=True, latent_dim=4, gan={'conditional': True})
    args = SimpleNamespace(samples=30, features=None, frame_stack=1, seed=1)
    assert create(args, agent, arena, None, tmp_path / 'mnist_1', tmp_path / 'pictures' / '7') == {}
    samples = np.load(tmp_path / 'mnist_1_Samples.npy', allow_pickle=False)
    assert samples.shape == (30, 1, 8, 8) and samples.dtype == np.uint8
    assert {path.name for path in (tmp_path / 'pictures').iterdir()} == {'7.png', '7_Morphs.png', '7_Neighbours.png'}
    with Image.open(tmp_path / 'pictures' / '7.png') as grid:  # three columns, one for each class
        assert grid.height > 3 * grid.width


def test_several_frames_move_in_a_gif(tmp_path):
    agent = DQNAgent(Spec((1, 8, 8), 'uint8', (), 3), generate=True, latent_dim=4, frame_stack=4)
    args = SimpleNamespace(samples=30, features=None, frame_stack=4, seed=1)
    frames = torch.randint(256, (30, 4, 8, 8), dtype=torch.uint8)
    memory = SimpleNamespace(sample=lambda generator, size: SimpleNamespace(obs=frames[:size]))
    create(args, agent, SimpleNamespace(suite=None), memory, tmp_path / 'pong_1', tmp_path / '7')
    with Image.open(tmp_path / '7.gif') as gif:
        assert gif.n_frames == 4


def test_reality_is_spread_over_the_test_set_and_the_same_each_time(arena):
    args = SimpleNamespace(samples=30, seed=1)
    assert np.array_equal(reality(args, arena, None), arena.suite.data.test.obs.numpy())


def test_measures_by_hand():
    """Four images named 0 0 2 1 with confidence 0.95 0.5 0.99 0.91, of which 0 1 2 0 were asked for."""
    named = np.array([0.95, 0.5, 0.99, 0.91]), np.array([0, 0, 2, 1])
    recogniser = SimpleNamespace(name=lambda images: named, agent=SimpleNamespace(spec=SPEC))
    features = np.random.default_rng(0).normal(size=(4, 2))
    logs = measured(recogniser, np.zeros((4, 1, 8, 8), np.uint8), features, features, labels=3)
    assert logs['recognised'] == 0.75 and logs['agreement'] == 0.5
    assert (logs['rarest'], logs['commonest']) == (0.25, 0.5)
    assert logs['fid'] == pytest.approx(0, abs=1e-9) and logs['precision'] == logs['recall'] == 1
