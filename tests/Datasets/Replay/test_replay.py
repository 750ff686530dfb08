"""The replay against a brute-force account of everything that happened."""

import json

import numpy as np
import pytest
import torch

import Utils
from Datasets.Experience import Spec
from Datasets.Replay.Replay import Replay
from Environment import Environment

SPEC, CPU = Spec((1, 2, 2), 'uint8', (), 4), torch.device('cpu')


class Story:
    """N environments whose frames tell (environment, number of the frame), with random ends, and what they did."""

    def __init__(self, num_envs, steps, seed=0, ends=0.15):
        self.random = np.random.default_rng(seed)
        self.num_envs, self.count = num_envs, np.zeros(num_envs, int)
        self.episodes = [[[]] for _ in range(num_envs)]  # of (frame, action, reward, terminated, truncated, life_lost)
        self.current = np.array([self.frame(i) for i in range(num_envs)])
        self.steps, self.ends = steps, ends

    def frame(self, env):
        self.count[env] += 1
        number = self.count[env]
        return np.array([[[env, number % 256], [number // 256, 7]]], np.uint8)

    def tell(self, replay):
        for _ in range(self.steps):
            n, draw = self.num_envs, self.random
            action, reward = draw.integers(4, size=n), draw.normal(size=n).astype(np.float32) * 2
            terminated = draw.random(n) < self.ends / 2
            truncated = (draw.random(n) < self.ends / 2) & ~terminated
            life_lost = (draw.random(n) < 0.1) & ~terminated & ~truncated
            final = np.array([self.frame(i) for i in range(n)])
            obs = np.array([self.frame(i) if (terminated | truncated)[i] else final[i] for i in range(n)])
            replay.add(self.current, action, reward, terminated, truncated, final, life_lost=life_lost)
            for i in range(n):
                episode = self.episodes[i][-1]
                episode.append((self.current[i], action[i], reward[i], terminated[i], truncated[i], life_lost[i]))
                if terminated[i] or truncated[i]:
                    episode.append((final[i], None, None, None, None, None))
                    self.episodes[i].append([])
            self.current = obs

    def samples(self, replay, nstep, stack, discount, clip, cuts, horizon=0):
        """{identity of the start's frame: what its sample must be}, for all starts with a whole window."""
        found = {}
        for env in range(self.num_envs):
            for episode in self.episodes[env]:
                ended = bool(episode) and episode[-1][1] is None
                last = len(episode) - 1  # the newest observation that is stored
                for t in range(len(episode) - ended):
                    if not ended and t + max(nstep, horizon) > last:
                        continue
                    value, k, follows = 0.0, 0, 1.0
                    while k < nstep and t + k < len(episode) - ended:
                        _, _, reward, terminated, truncated, life_lost = episode[t + k]
                        value += discount**k * (np.clip(reward, -clip, clip) if clip else reward)
                        k += 1
                        if terminated or (cuts and life_lost):
                            follows = 0.0
                            break
                        if truncated:
                            break

                    def stacked(at, episode=episode):
                        return np.concatenate([episode[max(0, at - back)][0] for back in reversed(range(stack))])

                    future = [stacked(min(t + j, last if ended else t + j)) for j in range(1, horizon + 1)]
                    key = tuple(episode[t][0].ravel())
                    found[key] = (stacked(t), episode[t][1], value, follows * discount**k, stacked(t + k), future)
        return found


@pytest.fixture
def make(tmp_path):
    def build(num_envs=3, capacity=6000, **arguments):
        return Replay(SPEC, tmp_path / 'replay', num_envs, capacity, **arguments)

    return build


@pytest.mark.parametrize('nstep', [1, 3, 10])
@pytest.mark.parametrize('stack', [1, 4])
@pytest.mark.parametrize(('clip', 'cuts'), [(None, False), (1.0, True)])
def test_every_sample_is_what_happened(make, nstep, stack, clip, cuts):
    replay = make(nstep=nstep, frame_stack=stack, discount=0.9, reward_clip=clip, life_loss_cuts=cuts)
    story = Story(3, 300)
    story.tell(replay)
    expected = story.samples(replay, nstep, stack, 0.9, clip, cuts)
    generator, seen = np.random.default_rng(0), set()
    for size in (1, 2, 5) * 375:  # small ones are often free of truncations: their stacks are views of one window
        batch = replay.sample(generator, size)
        for i in range(size):
            key = tuple(batch.obs[i, -1].ravel().tolist())
            obs, action, reward, discount, next_obs, _ = expected[key]  # no start is drawn that should not be
            seen.add(key)
            assert np.array_equal(batch.obs[i], obs)
            assert np.array_equal(batch.next_obs[i, -1], next_obs[-1])
            assert np.array_equal(batch.next_obs[i], next_obs) or discount == 0  # else the earlier frames are not used
            assert batch.action[i] == action
            assert batch.reward[i] == pytest.approx(reward, abs=1e-5)
            assert batch.discount[i] == pytest.approx(discount, abs=1e-6)
    assert len(seen) > 0.9 * len(expected)
    assert batch.obs.dtype == torch.uint8
    assert batch.reward.dtype == batch.discount.dtype == torch.float32


def test_starts_are_uniform(make):
    """Chi-squared over all valid starts of rings of unequal length, some of it overwritten."""
    replay = make(num_envs=2, capacity=400, nstep=3, frame_stack=4)
    story = Story(2, 700, ends=0.3)
    story.tell(replay)
    counts = np.unique(replay.sample(np.random.default_rng(1), 40_000).index, return_counts=True)[1]
    expected = 40_000 / len(counts)
    statistic, freedom = ((counts - expected) ** 2 / expected).sum(), len(counts) - 1
    assert len(counts) > 200
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom)


def test_ring_forgets_the_oldest_and_stays_right(make):
    replay = make(num_envs=2, capacity=100, nstep=2, frame_stack=3, discount=0.5)
    story = Story(2, 500)
    story.tell(replay)
    expected = story.samples(replay, 2, 3, 0.5, None, False)
    batch = replay.sample(np.random.default_rng(0), 500)
    for i in range(500):
        obs, _, reward, _, next_obs, _ = expected[tuple(batch.obs[i, -1].ravel().tolist())]
        assert np.array_equal(batch.obs[i], obs)
        assert np.array_equal(batch.next_obs[i], next_obs)
        assert batch.reward[i] == pytest.approx(reward, abs=1e-5)
    assert len(replay) == 100


def test_frames_that_two_stacks_share_are_copied_once(make):
    replay = make(nstep=3, frame_stack=4)
    Story(3, 300, ends=0).tell(replay)
    batch = replay.sample(np.random.default_rng(0), 32)
    assert batch.obs.untyped_storage().nbytes() == 32 * 7 * batch.obs[0, 0].numel()
    assert batch.obs.untyped_storage().data_ptr() == batch.next_obs.untyped_storage().data_ptr()
    assert torch.equal(batch.obs[:, 3], batch.next_obs[:, 0])


def test_future_is_the_next_steps_and_stops_at_the_end(make):
    replay = make(nstep=2, frame_stack=2, horizon=5, discount=0.9)
    story = Story(3, 300)
    story.tell(replay)
    expected = story.samples(replay, 2, 2, 0.9, None, False, horizon=5)
    batch = replay.sample(np.random.default_rng(0), 500)
    for i in range(500):
        future = expected[tuple(batch.obs[i, -1].ravel().tolist())][-1]
        assert np.array_equal(batch.future.obs[i], np.stack(future))
        assert batch.future.action[i, 0] == batch.action[i]
        assert (batch.future.reward[i][~batch.future.valid[i]] == 0).all()
    assert batch.future.valid[:, 0].all()
    assert not batch.future.valid.all()


def test_a_changing_n_is_right_in_a_whole_story(make):
    """At every n of the schedule, ends and lost lives are where brute force has them."""
    replay = make(nstep='linear(5,2,3)', discount=0.9, frame_stack=3, batch_size=100, life_loss_cuts=True, horizon=3)
    story = Story(3, 300)
    story.tell(replay)
    for n in (5, 4, 3, 2, 2):
        expected = story.samples(replay, n, 3, 0.9, None, True)
        batch = next(replay.batches())
        for i in range(100):
            obs, _, reward, discount, next_obs, _ = expected[tuple(batch.obs[i, -1].ravel().tolist())]
            assert np.array_equal(batch.obs[i], obs)
            assert np.array_equal(batch.next_obs[i], next_obs) or discount == 0
            assert batch.reward[i] == pytest.approx(reward, abs=1e-5)
            assert batch.discount[i] == pytest.approx(discount, abs=1e-6)


def test_batch_order_is_a_function_of_seed_and_cursor(make):
    replay = make(batch_size=16)
    Story(3, 100).tell(replay)
    first, second = next(replay.batches()), next(replay.batches())
    replay.cursor = 1
    again = next(replay.batches())
    assert torch.equal(second.index, again.index)
    assert not torch.equal(first.index, second.index)
    replay.seed, replay.cursor = 2, 0
    assert not torch.equal(next(replay.batches()).index, first.index)


def test_acting_and_replay_see_the_same_stacks(make):
    """Bit for bit, over resets, for the stack the agent acted on."""

    class Film:
        """A suite whose frames count up and whose episodes last five steps."""

        spec, num_envs, frames_per_step = SPEC, 2, 1

        def reset(self):
            self.t = 0
            return self.frames()

        def frames(self):
            return np.full((2, 1, 2, 2), self.t, np.uint8) + np.array([0, 100], np.uint8)[:, None, None, None]

        def step(self, action):
            from Datasets.Experience import Step

            self.t += 1
            final = self.frames()
            ended = np.full(2, self.t % 6 == 5)
            self.t += int(ended[0])
            return Step(self.frames(), np.ones(2, np.float32), ended, ~ended & False, final)

    class Watcher:
        seen = {}

        def act(self, obs, first=None):
            for stack in obs:
                self.seen[int(stack[-1, 0, 0])] = stack.copy()
            return np.zeros(len(obs), np.int64)

    replay, environment, agent = make(num_envs=2, frame_stack=4), Environment(Film(), 4), Watcher()
    for _ in range(60):
        environment.rollout(agent, replay)
    batch = replay.sample(np.random.default_rng(0), 300)
    for stack in batch.obs:
        assert np.array_equal(stack, agent.seen[int(stack[-1, 0, 0])])


def test_prioritized_samples_and_weights(make):
    """P(i) proportional to |error|^alpha, weights (1 / P)^beta over the largest; together with n-step returns."""
    replay = make(num_envs=1, nstep=3, frame_stack=2, discount=0.9, prioritized=True, alpha=0.5, beta=0.4)
    story = Story(1, 60)
    story.tell(replay)
    expected = story.samples(replay, 3, 2, 0.9, None, False)
    index = replay.sample(np.random.default_rng(0), 2000).index.unique()
    error = np.random.default_rng(0).random(len(index)) * 4
    replay.reprioritize(index, error)
    batch = replay.sample(np.random.default_rng(1), 50_000)
    chance = np.sqrt(error + 1e-6)
    chance /= chance.sum()
    drawn = np.array([(batch.index == i).float().mean() for i in index])
    assert np.allclose(drawn, chance, atol=0.01)
    weight = chance**-0.4 / (chance**-0.4).max()
    for i, wanted in zip(index, weight, strict=True):
        if (batch.index == i).any():
            assert batch.weight[batch.index == i][0] == pytest.approx(wanted, rel=1e-3)
    for i in range(200):
        _, _, reward, discount, _, _ = expected[tuple(batch.obs[i, -1].ravel().tolist())]
        assert batch.reward[i] == pytest.approx(reward, abs=1e-5)
        assert batch.discount[i] == pytest.approx(discount, abs=1e-6)


def test_new_samples_get_the_greatest_priority(make):
    replay = make(num_envs=1, prioritized=True)
    story = Story(1, 20, ends=0.0)
    story.tell(replay)
    replay.reprioritize([0, 1], [100.0, 0.0])
    greatest = replay.tree[np.array([0])]
    story.tell(replay)
    assert replay.tree[np.array([25])] == greatest > replay.tree[np.array([10])] > replay.tree[np.array([1])]


def test_reopened_replay_is_the_same_and_is_never_deleted(make, tmp_path):
    replay = make(nstep=3, frame_stack=4)
    Story(3, 200).tell(replay)
    replay.flush()
    before = replay.sample(np.random.default_rng(0), 64)
    again = Replay(SPEC, tmp_path / 'replay', nstep=3, frame_stack=4, mode='c')
    after = again.sample(np.random.default_rng(0), 64)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True) if a is not None)
    Story(3, 20, seed=1).tell(again)  # goes on from where it was, in memory alone
    again.delete()
    files = Replay(SPEC, tmp_path / 'replay', mode='r')
    assert files.heads.tolist() == replay.heads.tolist()
    replay.delete()
    assert not (tmp_path / 'replay').exists()


@pytest.mark.parametrize('horizon', [0, 4])
def test_batches_from_a_copy_on_the_device_are_the_same(make, tmp_path, monkeypatch, horizon):
    options = {'nstep': 3, 'frame_stack': 4, 'horizon': horizon}
    monkeypatch.setattr('Datasets.Replay.Gather.room', lambda device: 10_000)  # of a GPU
    writer = make(capacity=150, device=CPU, **options)
    assert writer.copy is not None
    monkeypatch.setattr('Datasets.Replay.Gather.room', lambda device: 100)
    story = Story(3, 40)
    for _ in range(4):  # more than the rings hold
        story.tell(writer)
        writer.flush()
        without = Replay(SPEC, tmp_path / 'replay', mode='c', device=CPU, **options)
        monkeypatch.setattr('Datasets.Replay.Gather.room', lambda device: 10_000)
        opened = Replay(SPEC, tmp_path / 'replay', mode='c', device=CPU, **options)
        monkeypatch.setattr('Datasets.Replay.Gather.room', lambda device: 100)
        assert without.copy is None and opened.copy is not None
        for seed in range(5):
            wanted = without.sample(np.random.default_rng(seed), 64)
            for replay in (writer, opened):
                batch = replay.sample(np.random.default_rng(seed), 64)
                assert torch.equal(batch.obs, wanted.obs) and torch.equal(batch.next_obs, wanted.next_obs)
                assert horizon == 0 or torch.equal(batch.future.obs, wanted.future.obs)


def test_a_cpu_has_no_copy_and_neither_does_a_reader(make, tmp_path, monkeypatch):
    assert make(device=CPU).copy is None
    monkeypatch.setattr('Datasets.Replay.Gather.room', lambda device: 1e12)
    assert Replay(SPEC, tmp_path / 'replay', mode='r', device=CPU).copy is None


def test_delete_leaves_what_it_did_not_make(make, tmp_path):
    replay = make()
    (tmp_path / 'replay' / 'notes.txt').write_text('mine')
    replay.delete()
    assert [path.name for path in (tmp_path / 'replay').iterdir()] == ['notes.txt']


def test_another_object_reads_while_one_writes(make, tmp_path):
    writer = make(num_envs=3)
    story = Story(3, 100)
    story.tell(writer)
    reader = Replay(SPEC, tmp_path / 'replay', mode='r')
    held = len(reader)
    story.tell(writer)
    assert len(reader) > held
    expected = story.samples(writer, 1, 1, 0.99, None, False)
    batch = reader.sample(np.random.default_rng(0), 500)
    assert all(tuple(frame.ravel().tolist()) in expected for frame in batch.obs)


@pytest.mark.parametrize('damage', ['header', 'version', 'truncated', 'missing', 'other task', 'heads'])
def test_damaged_replays_are_refused_with_one_sentence(make, tmp_path, damage):
    make().flush()
    path, spec = tmp_path / 'replay', SPEC
    if damage == 'header':
        (path / 'header.json').write_text('{"version": 1, "num')
    elif damage == 'version':
        header = json.loads((path / 'header.json').read_text())
        (path / 'header.json').write_text(json.dumps(header | {'version': 99}))
    elif damage == 'truncated':
        (path / 'obs.npy').write_bytes((path / 'obs.npy').read_bytes()[:500])
    elif damage == 'missing':
        (path / 'reward.npy').unlink()
    elif damage == 'heads':
        np.save(path / 'heads.npy', np.array([-5, 1, 1]))
    else:
        spec = SPEC._replace(obs_shape=(3, 84, 84))
    with pytest.raises(Utils.UserError, match='No whole replay at') as error:
        Replay(spec, path, mode='r')
    assert '\n' not in str(error.value)


def test_a_pickle_in_a_replay_is_not_loaded(make, tmp_path):
    make().flush()
    np.save(tmp_path / 'replay' / 'reward.npy', np.array([{'hostile': 1}], object), allow_pickle=True)
    with pytest.raises(Utils.UserError):
        Replay(SPEC, tmp_path / 'replay', mode='r')


def test_frames_are_stored_once(tmp_path):
    """At most 7.3 kB per Atari transition; a frame alone is 7,056 bytes."""
    spec = Spec((1, 84, 84), 'uint8', (), 6)
    replay = Replay(spec, tmp_path / 'replay', 1, 1000, frame_stack=4)
    assert sum(path.stat().st_size for path in replay.path.iterdir()) / 1000 < 7300


def test_a_disk_that_is_too_small_is_said_at_the_start(tmp_path, monkeypatch):
    import errno
    import os

    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'posix_fallocate', full)
    with pytest.raises(Utils.UserError, match=r'No room for a replay of .* \(No space left on device\)'):
        Replay(SPEC, tmp_path / 'replay')
    assert not (tmp_path / 'replay').exists()
