"""Export and import of replays: round trips, D4RL's arrays by hand, and every mistake in one sentence."""

import importlib.util

import numpy as np
import pytest

import Run
import Utils
from Datasets.Experience import Part, Spec
from Datasets.Replay import ImportExport
from Datasets.Replay.Replay import Replay
from Datasets.Replay.ReplayFiles import ReplayFiles
from Datasets.Replay.Trajectories import trajectory
from Hyperparams.Launch import launch

needs_minari = pytest.mark.skipif(not importlib.util.find_spec('minari'), reason='pip install "minari[hdf5]"')
PARTS = (Part('camera', (3, 2, 2), 'uint8'), Part('speed', (1,), 'float32'))
SPECS = {
    'states': Spec((3,), 'float32', (2,), None),
    'choices': Spec((3,), 'float32', (), 4),
    'images': Spec((1, 5, 5), 'uint8', (), 4),
    'records': Spec((16,), 'uint8', (), 4, parts=PARTS),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MINARI_DATASETS_PATH', str(tmp_path / 'minari'))
    return tmp_path


def launched(*words):
    return launch(Run.main, list(words))


def record(spec, path='replay'):
    """Two environments at random: in each an episode that terminates, one that is cut off, and one still open."""
    replay, random = Replay(spec, path, 2, 60), np.random.default_rng(0)

    def seen():
        return random.integers(0, 255, (2, *spec.obs_shape)).astype(spec.obs_dtype)

    for t in range(12):
        action = random.uniform(-1, 1, (2, *spec.action_shape)) if spec.action_shape else random.integers(4, size=2)
        replay.add(seen(), action, random.normal(size=2), np.full(2, t == 3), np.full(2, t == 8), seen())
    replay.flush()
    return replay


def content(path):
    """Observations, actions, rewards and end of every episode."""
    rings = ReplayFiles(None, path, mode='r')
    return rings.spec, [trajectory(rings, each) for each in rings.episodes()]


@pytest.mark.parametrize('kind', SPECS)
@pytest.mark.parametrize('to', ['out.npz', 'out', pytest.param('minari:mine/test-v0', marks=needs_minari)])
def test_what_goes_out_comes_back(kind, to, capsys):
    record(SPECS[kind])
    if kind == 'records' and to.startswith('minari'):
        assert launched('export=replay', f'to={to}') == 2 and 'to=<folder>' in capsys.readouterr().err
        return
    assert launched('export=replay', f'to={to}') == 0
    assert launched(f'import={to}', 'to=again') == 0
    spec, before = content('replay')
    again, after = content('again')
    assert again == spec and len(after) == len(before) == 6
    for old, new in zip(before, after, strict=True):
        assert [len(new.obs), len(new.action)] == [len(new.reward) + 1, len(new.reward)]
        for name in ('obs', 'reward', 'terminated'):
            assert np.array_equal(getattr(new, name), getattr(old, name))
        assert np.allclose(new.action, old.action, atol=1e-6)  # Minari's were scaled there and back
    assert [each.terminated for each in after] == 2 * [True, False, False]


@pytest.mark.parametrize('following', [True, False])
def test_arrays_of_d4rl_by_hand(following):
    """Seven steps: 0, 1, 2 terminate, 3, 4, 5 are cut off, 6 is open. Actions lie in 0 .. 4."""
    named = {'observations': np.arange(7.0)[:, None], 'actions': np.full((7, 1), 3.0), 'rewards': np.arange(7.0)}
    named |= {'terminals': np.arange(7) == 2, 'timeouts': np.arange(7) == 5, 'low': np.zeros(1), 'high': np.full(1, 4)}
    if following:
        named['next_observations'] = np.arange(7.0)[:, None] + 10
    np.savez('steps.npz', **named)
    assert launched('import=steps.npz', 'to=replay') == 0
    spec, episodes = content('replay')
    assert spec == Spec((1,), 'float32', (1,), None)
    seen = [each.obs[:, 0].tolist() for each in episodes]
    if following:
        assert seen == [[0, 1, 2, 12], [3, 4, 5, 15], [6, 16]]
    else:  # what came after 5 and 6 is unknown
        assert seen == [[0, 1, 2, 2], [3, 4, 5]]
    assert [each.terminated for each in episodes] == [True, False, False][: len(seen)]
    assert episodes[1].reward.tolist() == [3, 4, 5][: len(seen[1]) - 1]
    assert all((each.action == 0.5).all() for each in episodes)  # 3 in 0 .. 4
    replay = Replay(spec, 'replay', nstep=2, discount=0.5, mode='r')
    batch = replay.sample(np.random.default_rng(0), 200)
    first = batch.obs[:, 0] == 1
    assert (batch.reward[first] == 1 + 0.5 * 2).all() and (batch.discount[first] == 0).all()
    cut = batch.obs[:, 0] == 4
    assert (batch.discount[cut] == (0.25 if following else 0.5)).all()
    assert (batch.next_obs[cut] == (15 if following else 5)).all()


def test_episodes_with_their_last_observation_and_images_with_channels_last(folder):
    (folder / 'many').mkdir()
    for i in range(2):
        images = np.random.default_rng(i).integers(0, 255, (4, 6, 5, 3), np.uint8)
        steps = {'actions': np.array([[0], [2], [1]]), 'rewards': np.ones(3)}
        np.savez(folder / 'many' / f'{i}.npz', observations=images, **steps)
    assert launched('import=many', 'to=replay') == 0
    spec, episodes = content('replay')
    assert spec == Spec((3, 6, 5), 'uint8', (), None) and len(episodes) == 2
    assert np.array_equal(episodes[1].obs.transpose(0, 2, 3, 1), images)
    assert episodes[0].action.tolist() == [0, 2, 1] and not episodes[0].terminated
    Replay(spec._replace(num_actions=3), 'replay', mode='r')  # of how many choices the file does not tell
    with pytest.raises(Utils.UserError, match='its action 2 is none of the 2 here'):
        Replay(spec._replace(num_actions=2), 'replay', mode='r')


def test_learning_offline_from_what_was_imported(folder):
    words = ['task=gym/cartpole', 'threads=1', 'tensorboard=false', 'video=false', 'plotting.plot_experiments=false']
    words += ['batch_size=8', 'hidden_dim=16', 'evaluate_per_steps=0', 'evaluate_episodes=1', 'seed_steps=10']
    assert launched(*words, 'replay.save=true', 'train_steps=60', 'learn_per_steps=0') == 0
    (saved,) = folder.glob('Datasets/ReplayBuffer/Exp/DQNAgent/gym/cartpole_1_*')
    assert launched(f'export={saved}', 'to=cartpole.npz') == 0
    assert launched('import=cartpole.npz', 'to=replay') == 0
    before = {file: file.read_bytes() for file in (folder / 'replay').iterdir()}
    assert launched(*words, 'offline=true', 'replay.path=replay', 'train_steps=10', 'experiment=Off') == 0
    assert {file: file.read_bytes() for file in (folder / 'replay').iterdir()} == before
    assert launched(*words, 'task=gym/acrobot', 'offline=true', 'replay.path=replay', 'train_steps=10') == 2


GOOD = {'observations': np.zeros((5, 3)), 'actions': np.zeros((5, 2)), 'rewards': np.zeros(5)}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'rewards': None}, 'has no rewards'),
        ({'observations': None}, 'has no observations'),
        ({'actions': np.zeros((4, 2))}, r'of 5 rewards, other arrays have \[4, 5\] rows'),
        ({'actions': np.full((5, 2), 7.0)}, 'low'),
        ({'actions': np.array(['a'] * 5)}, 'neither choices'),
        ({'actions': np.full(5, -1)}, 'neither choices'),
        ({'observations': np.full((5, 3), np.nan)}, 'finite'),
        ({'observations': np.zeros((5, 3, 4, 4))}, 'neither images'),
        ({'rewards': np.array([{'hostile': 1}] * 5)}, 'allow_pickle=False'),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, capsys, change, message):
    np.savez('bad.npz', allow_pickle=True, **{name: x for name, x in (GOOD | change).items() if x is not None})
    assert launched('import=bad.npz', 'to=replay') == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    with pytest.raises(Utils.UserError, match=message):
        ImportExport.import_replay('bad.npz', 'replay')
    assert not (folder / 'replay').exists()


@pytest.mark.parametrize(
    'words',
    [
        ['import=nowhere.npz', 'to=replay'],
        ['import=steps.npz'],
        ['import=steps.npz', 'to=there'],
        ['export=nowhere', 'to=x.npz'],
        ['export=there'],
        ['import=text.npz', 'to=replay'],
        ['import=there', 'to=replay'],
        ['import=minari:none/such-v0', 'to=replay'],
        ['import=steps.npz', 'export=there'],
    ],
)
def test_mistakes_are_one_sentence(folder, capsys, words):
    np.savez('steps.npz', **GOOD)
    (folder / 'there').mkdir()
    (folder / 'text.npz').write_text('no numbers')
    assert launched(*words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (folder / 'replay').exists() and not any((folder / 'there').iterdir())
