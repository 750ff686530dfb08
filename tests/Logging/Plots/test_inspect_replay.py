"""`python Run.py inspect=<replay>`: numbers worked by hand, and a look at what the pictures show."""

import numpy as np
import pytest
from PIL import Image

import Run
from Datasets.Experience import Part, Spec
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Hyperparams.Launch import launch
from Logging.Plots import InspectReplay


def launched(*words):
    return launch(Run.main, list(words))


def record(path, spec, see, num_envs=1, capacity=100):
    """Every environment: an episode of 3 steps, one of 5, and 2 of a third; step t of them all earns 1. see(t): obs."""
    replay = Replay(spec, path, num_envs, capacity)
    for t in range(10):
        ended = np.full(num_envs, t in (2, 7))
        obs, then = (np.stack([see(at)] * num_envs) for at in (t, t + 1))
        replay.add(obs, np.zeros((num_envs, *spec.action_shape)), np.ones(num_envs), ended, ended & False, then)
    replay.flush()
    return replay


def test_counts_by_hand(tmp_path, capsys):
    replay = record(tmp_path / 'replay', Spec((3,), 'float32', (2,), None), lambda t: np.full(3, t), num_envs=2)
    before = {file: file.read_bytes() for file in replay.path.iterdir()}
    assert launched(f'inspect={replay.path}') == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines['steps'] == '20' and lines['episodes'] == '6, 4 of them whole' and lines['environments'] == '2'
    assert lines['returns'] == lines['lengths'] == 'mean 4, min 3, max 5'
    assert lines['capacity'] == '100 slots, 24.0 % in use'  # 2 * (4 + 6 + 2): an end takes a slot of its own
    assert lines['observation'] == '[3] float32' and lines['action'] == '[2] float32'
    assert int(lines['bytes'].replace(',', '')) == sum(file.stat().st_size for file in before)
    assert sorted(file.name for file in (tmp_path / 'replay_Inspect').iterdir()) == ['episode.png', 'returns.png']
    assert {file: file.read_bytes() for file in replay.path.iterdir()} == before


def test_pictures_show_what_is_stored(tmp_path):
    replay = record(
        tmp_path / 'replay', Spec((1, 8, 8), 'uint8', (), 2), lambda t: np.full((1, 8, 8), 20 * t, np.uint8)
    )
    assert launched(f'inspect={replay.path}', f'to={tmp_path / "look"}') == 0
    with Image.open(tmp_path / 'look' / 'episode.gif') as gif:  # the last whole one: steps 3 .. 7 and its final frame
        shown = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            shown.append(gif.convert('L').getpixel((5, 5)))
    assert shown == [60, 80, 100, 120, 140, 160]
    frames = InspectReplay.sheet(ReplayFiles(None, replay.path, mode='r'))[:, 0, 0, 0] // 20
    assert frames.tolist() == [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9]  # 3 and 8: seen at the end, and at the beginning
    with Image.open(tmp_path / 'look' / 'frames.png') as sheet:
        assert sheet.size[0] > sheet.size[1]  # 4 columns, 3 rows


def test_records_are_taken_apart(tmp_path):
    parts = (Part('speed', (2,), 'float32'), Part('camera', (3, 4, 4), 'uint8'))

    def see(t):
        return np.concatenate([np.full(2, t, np.float32).view(np.uint8), np.full(48, t, np.uint8)])

    replay = record(tmp_path / 'replay', Spec((56,), 'uint8', (), 2, parts=parts), see)
    rings = ReplayFiles(None, replay.path, mode='r')
    obs = InspectReplay.sheet(rings)
    assert InspectReplay.images(rings, obs).shape == (12, 3, 4, 4)
    assert rings.spec.split(obs)['speed'][-1].tolist() == [9, 9]
    assert launched(f'inspect={replay.path}') == 0
    assert (tmp_path / 'replay_Inspect' / 'episode.gif').is_file()


def test_nothing_recorded_yet(tmp_path, capsys):
    Replay(Spec((3,), 'float32', (), 2), tmp_path / 'replay', 2, 50)
    assert launched(f'inspect={tmp_path / "replay"}') == 0
    assert 'steps        0' in capsys.readouterr().out


@pytest.mark.parametrize('words', [['inspect=nowhere'], ['inspect='], ['inspect=nowhere', 'seed=1']])
def test_mistakes_are_one_sentence(words, capsys):
    assert launched(*words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
