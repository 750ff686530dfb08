"""Minari data sets, observed as Gymnasium's environments are."""

import importlib.util

import numpy as np
import pytest

import Run
from Datasets.Experience import Spec
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Trajectories import trajectory
from Hyperparams.Launch import launch

needs_minari = pytest.mark.skipif(not importlib.util.find_spec('minari'), reason='pip install "minari[hdf5]"')


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MINARI_DATASETS_PATH', str(tmp_path / 'minari'))
    return tmp_path


def launched(*words):
    return launch(Run.main, list(words))


def content(path):
    """Observations, actions, rewards and end of every episode."""
    rings = ReplayFiles(None, path, mode='r')
    return rings.spec, [trajectory(rings, each) for each in rings.episodes()]


@needs_minari
def test_minari_is_observed_as_gymnasium_is():
    """Dicts as one vector in the order of their names; actions of -2 .. 6 as -1 .. 1."""
    import minari
    from gymnasium.spaces import Box, Dict, Discrete
    from minari.data_collector import EpisodeBuffer

    seen = Dict({'where': Box(-9, 9, (2,), np.float32), 'how': Discrete(3)})
    obs = {'where': np.arange(8, dtype=np.float32).reshape(4, 2), 'how': np.array([0, 1, 2, 0])}
    ends = {'terminations': np.array([False, False, True]), 'truncations': np.zeros(3, bool)}
    actions = np.array([[-2], [0], [6]], np.float32)
    buffer = EpisodeBuffer(0, observations=obs, actions=actions, rewards=np.arange(3.0), **ends)
    spaces = {'observation_space': seen, 'action_space': Box(-2, 6, (1,), np.float32)}
    minari.create_dataset_from_buffers('dict/test-v0', [buffer], data_format='hdf5', **spaces)
    assert launched('import=minari:dict/test-v0', 'to=replay') == 0
    spec, (episode,) = content('replay')
    assert spec == Spec((5,), 'float32', (1,), None) and episode.terminated
    assert episode.obs[1].tolist() == [0, 1, 0, 2, 3]  # a one-hot of 'how', then 'where'
    assert episode.action[:, 0].tolist() == [-1, -0.5, 1] and episode.reward.tolist() == [0, 1, 2]
