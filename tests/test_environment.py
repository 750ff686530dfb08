"""Rollouts: scores and lengths counted by hand, fixed shares in evaluation, frame stacks, videos."""

import numpy as np
import pytest

from Datasets.Experience import Spec, Step
from Datasets.Replay.Replay import Replay
from Environment import Environment

SPEC = Spec((1, 2, 2), 'uint8', (), 4)


class Episodes:
    """A suite whose environment i plays episodes of lengths[i] steps over and over, which reward 10 * (i + 1) a step.

    Every frame says (environment, episode, step), and so does every picture.
    """

    frames_per_step, episodes = 1, None

    def __init__(self, lengths, terminates=True, draws=True):
        self.num_envs, self.lengths, self.spec = len(lengths), np.array(lengths), SPEC
        self.terminates, self.draws, self.resets, self.rendered = terminates, draws, 0, []

    def reset(self):
        self.resets += 1
        self.episode, self.time = np.zeros(self.num_envs, int), np.zeros(self.num_envs, int)
        return self.frames()

    def frames(self):
        told = np.stack([np.arange(self.num_envs), self.episode, self.time, np.full(self.num_envs, 7)], 1)
        return told.reshape(-1, 1, 2, 2).astype(np.uint8)

    def step(self, action):
        assert np.shape(action) == (self.num_envs,)
        self.time += 1
        ended, final = self.time == self.lengths, self.frames()
        self.episode, self.time = self.episode + ended, np.where(ended, 0, self.time)
        reward = (10.0 * np.arange(1, self.num_envs + 1)).astype(np.float32)
        cut = ended & ~np.bool_(self.terminates)
        return Step(self.frames(), reward, ended & np.bool_(self.terminates), cut, final)

    def render(self, envs=None):
        self.rendered.append(envs)
        if not self.draws:
            return None
        pictures = [np.full((3, 4, 3), (i, self.episode[i], self.time[i]), np.uint8) for i in range(self.num_envs)]
        return pictures if envs is None else [pictures[i] for i in envs]


class Actor:
    """Acts 0 and remembers what it saw and how it was asked."""

    def __init__(self):
        self.seen, self.explored = [], []

    def act(self, obs, explore=True, first=None):
        self.seen.append(obs.copy())
        self.explored.append(explore)
        return np.zeros(len(obs), np.int64)


class Sink:
    """A replay that remembers what it is given."""

    def __init__(self):
        self.steps, self.extras = [], []

    def add(self, *fields, extras=None):
        self.steps.append([None if field is None else np.array(field) for field in fields])
        self.extras.append(extras)


def told(frames):
    """Frames [..., 2, 2] -> (environment, episode, step) of each."""
    return [tuple(frame.ravel()[:3].tolist()) for frame in frames.reshape(-1, 2, 2)]


@pytest.mark.parametrize('terminates', [True, False])
def test_scores_lengths_and_episodes_are_counted(terminates):
    environment = Environment(Episodes([2, 3], terminates))
    environment.reset()
    history = [environment.step(np.zeros(2, int))[1:] for _ in range(6)]
    assert [scores.tolist() for scores, _ in history] == [[], [20], [60], [20], [], [20, 60]]
    assert [lengths.tolist() for _, lengths in history] == [[], [2], [3], [2], [], [2, 3]]
    assert (environment.episodes, environment.steps) == (5, 12)


def test_frame_stacks_begin_anew_with_the_first_frame():
    environment, actor = Environment(Episodes([3]), frame_stack=3), Actor()
    for _ in range(5):
        environment.rollout(actor, Sink())
    assert actor.seen[0].shape == (1, 3, 2, 2)
    assert [[step for _, _, step in told(obs)] for obs in actor.seen] == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 2],
        [0, 0, 0],
        [0, 0, 1],
    ]
    assert [told(obs)[0][1] for obs in actor.seen] == [0, 0, 0, 1, 1]  # no frame of the episode before


def test_stacks_of_states():
    suite = Episodes([4])
    suite.frames = lambda: np.stack([suite.time, suite.time + 10], 1).astype(np.float32)  # [1, D]
    environment = Environment(suite, frame_stack=2)
    environment.reset()
    environment.step(np.zeros(1, int))
    assert environment.obs.tolist() == [[0, 10, 1, 11]]


def test_a_rollout_stores_what_was_seen_done_and_came_of_it():
    environment, replay = Environment(Episodes([2, 5]), frame_stack=2), Sink()
    scores = [environment.rollout(Actor(), replay).tolist() for _ in range(3)]
    assert scores == [[], [20], []]
    frames, action, reward, terminated, truncated, final, label, lost = replay.steps[1]
    assert told(frames) == [(0, 0, 1), (1, 0, 1)] and told(final) == [(0, 0, 2), (1, 0, 2)]
    assert (action.tolist(), reward.tolist()) == ([0, 0], [10, 20])
    assert (terminated.tolist(), truncated.tolist(), label, lost) == ([True, False], [False, False], None, None)
    assert told(replay.steps[2][0]) == [(0, 1, 0), (1, 0, 2)]  # the new episode's first frame


def test_the_stack_that_acts_is_the_stack_that_is_learned_from(tmp_path):
    environment, actor = Environment(Episodes([3, 4]), frame_stack=3), Actor()
    replay = Replay(SPEC, tmp_path / 'replay', 2, capacity=100, frame_stack=3, batch_size=300)
    for _ in range(12):
        environment.rollout(actor, replay)
    acted = {tuple(told(obs)) for seen in actor.seen for obs in seen}
    learned = {tuple(told(obs)) for obs in next(replay.batches()).obs.numpy()}
    assert len(acted) == 24 and learned == acted


def test_the_raw_reward_is_the_score_though_the_replay_clips(tmp_path):
    environment = Environment(Episodes([2]))
    replay = Replay(SPEC, tmp_path / 'replay', 1, capacity=50, reward_clip=1.0)
    scores = np.concatenate([environment.rollout(Actor(), replay) for _ in range(10)])
    assert scores.tolist() == [20] * 5
    assert (next(replay.batches()).reward == 1).all()
    assert Environment(Episodes([2])).evaluate(Actor(), 3)['reward'] == 20


class Ahead(Episodes):
    """The same, stepping between `send` and `recv`."""

    def send(self, action):
        assert self.sent is None
        self.sent = action

    def recv(self):
        action, self.sent = self.sent, None
        return super().step(action)

    sent = None


def test_a_step_under_way_while_the_agent_learns_is_stored_one_step_later():
    plain, ahead, sinks = Environment(Episodes([2, 3])), Environment(Ahead([2, 3])), (Sink(), Sink())
    assert not plain.overlap and ahead.overlap and not Environment(Ahead([2]), overlap=False).overlap
    scores = [[environment.rollout(Actor(), sink).tolist() for _ in range(4)]
              for environment, sink in zip((plain, ahead), sinks, strict=True)]  # fmt: skip
    assert scores == [[[], [20], [60], [20]], [[], [], [20], [60]]]
    assert len(sinks[1].steps) == 3 and ahead.suite.sent is not None
    assert ahead.finish(sinks[1]).tolist() == [20] and ahead.finish(sinks[1]).tolist() == []
    for one, other in zip(*(sink.steps for sink in sinks), strict=True):
        np.testing.assert_equal(one, other)
    assert (plain.episodes, plain.steps) == (ahead.episodes, ahead.steps)


# Evaluation


def test_evaluation_is_greedy_and_begins_with_a_reset():
    environment, actor = Environment(Episodes([3, 2])), Actor()
    environment.evaluate(actor, 2)
    assert actor.explored and not any(actor.explored)
    environment.evaluate(actor, 2)
    assert environment.suite.resets == 2
    assert told(actor.seen[0]) == told(actor.seen[len(actor.seen) // 2]) == [(0, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize(
    ('lengths', 'episodes', 'shares'),
    [([1, 10], 4, [2, 2]), ([1, 10], 5, [3, 2]), ([1, 1, 9], 3, [1, 1, 1]), ([5, 2, 2], 2, [1, 1, 0]), ([4], 3, [3])],
)
def test_every_environment_plays_its_share(lengths, episodes, shares):
    """Short episodes, which are over first, must not count more often: mean of shares, not of whatever ends first."""
    result = Environment(Episodes(lengths)).evaluate(Actor(), episodes)
    scores = [10 * (i + 1) * length for i, length in enumerate(lengths) for _ in range(shares[i])]
    assert len(scores) == episodes
    assert result['reward'] == pytest.approx(np.mean(scores)) and result['reward_std'] == pytest.approx(np.std(scores))
    assert result['length'] == pytest.approx(np.repeat(lengths, shares).mean())


def test_evaluation_ends_when_the_last_share_is_played():
    actor = Actor()
    Environment(Episodes([1, 10])).evaluate(actor, 4)
    assert len(actor.seen) == 20


def test_the_video_is_the_first_episode_of_environment_0():
    environment = Environment(Episodes([3, 2]))
    video = environment.evaluate(Actor(), 4, record=True)['video']
    assert video.shape == (3, 3, 4, 3) and video.dtype == np.uint8
    assert [frame[0, 0].tolist() for frame in video] == [[0, 0, 0], [0, 0, 1], [0, 0, 2]]
    assert environment.suite.rendered == [[0]] * 3  # nothing is drawn for nobody


def test_no_video_unless_asked_or_drawable():
    environment = Environment(Episodes([3, 2]))
    assert environment.evaluate(Actor(), 2)['video'] is None and not environment.suite.rendered
    assert Environment(Episodes([3], draws=False)).evaluate(Actor(), 1, record=True)['video'] is None


def test_labels_and_logits_of_each_item_once():
    class Classes(Episodes):
        def step(self, action):
            ended = np.ones(self.num_envs, bool)
            label = self.time * self.num_envs + np.arange(self.num_envs)
            self.time = self.time + 1
            return Step(
                self.frames(), (action.argmax(-1) == label).astype(np.float32), ended, ~ended, self.frames(), label
            )

    class Guess:
        def act(self, obs, explore, first):
            logits = np.zeros((len(obs), 9), np.float32)
            logits[:, 2] = 1
            return logits

    result = Environment(Classes([1, 1])).evaluate(Guess(), 5)  # environment 0: items 0 2 4, environment 1: items 1 3
    assert result['labels'].tolist() == [0, 1, 2, 3, 4] and result['actions'].argmax(-1).tolist() == [2] * 5
    assert result['reward'] == pytest.approx(1 / 5) and result['length'] == 1
