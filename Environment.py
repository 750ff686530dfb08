"""Rollouts of an agent through a vector of environments."""

from __future__ import annotations

from typing import Any

import numpy as np

from Datasets.Experience import Step
from Support.Errors import UserError

LONGEST = 200_000  # steps of one evaluation episode; Atari's longest are 27,000
VIDEO_BYTES = 400e6  # of frames; a video ends there


class Environment:
    """A suite, the frame stacks that the agent observes, and the scores of its episodes. It knows nothing of learning.

    Suites return single frames; an observation is the last `frame_stack` of them along the first axis, with the first
    frame of an episode repeated in front of it. The replay rebuilds the same stacks, bit for bit.

    Arguments:
        suite: a `Datasets.Suites.Support.Contract.Suite` of N environments
        frame_stack: frames in an observation
        overlap: environments step while the learner works, if the suite can; the replay is then one step behind
    """

    def __init__(self, suite: Any, frame_stack: int = 1, overlap: bool = True) -> None:
        self.suite, self.frame_stack = suite, frame_stack
        self.overlap = overlap and hasattr(suite, 'send')
        self.episodes = self.steps = 0
        self.stack: Any = None  # [N, frame_stack, *obs_shape], once reset
        self.underway: Any = None  # frames, actions and extras of a step that `send` started

    @property
    def obs(self) -> np.ndarray:
        """The observations to act on: [N, frame_stack * C, H, W] or [N, frame_stack * D]."""
        return self.stack.reshape(len(self.stack), -1, *self.stack.shape[3:])

    def reset(self) -> None:
        """Starts an episode in every environment."""
        frames = self.suite.reset()
        self.stack = np.repeat(frames[:, None], self.frame_stack, 1)  # [N, S, C, H, W]
        self.score, self.length = np.zeros(len(frames)), np.zeros(len(frames), np.int64)

    def step(self, action: np.ndarray) -> tuple[Step, np.ndarray, np.ndarray]:
        """Acts in every environment. Returns the Step, and scores [M] and lengths [M] of the episodes that ended."""
        return self.count(self.suite.step(action))

    def count(self, step: Step) -> tuple[Step, np.ndarray, np.ndarray]:
        """Counts a step in stacks, scores and lengths. Returns the same as `step`."""
        ended = step.terminated | step.truncated
        self.stack = np.concatenate([self.stack[:, 1:], step.obs[:, None]], 1)
        self.stack[ended] = step.obs[ended][:, None]
        self.score += step.reward
        self.length += 1
        scores, lengths = self.score[ended], self.length[ended]
        self.score[ended], self.length[ended] = 0, 0
        self.episodes += len(scores)
        self.steps += len(ended)
        return step, scores, lengths

    def state(self) -> dict[str, Any] | None:
        """Returns what decides the next steps, as nested dicts of arrays and numbers.

        Returns None before the first step, and if the suite has no state.
        """
        suite = self.suite.state() if self.stack is not None and hasattr(self.suite, 'state') else None
        if suite is None:
            return None
        return {'stack': self.stack, 'score': self.score, 'length': self.length, 'steps': self.steps, 'suite': suite}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a `state()`, without a reset. Raises UserError if the suite is another one."""
        self.suite.restore(state['suite'])
        self.stack, self.score, self.length = (np.array(state[name]) for name in ('stack', 'score', 'length'))
        self.steps = state['steps']

    def rollout(self, agent: Any, replay: Any) -> np.ndarray:
        """Takes an exploring step in every environment and stores it. Returns the scores [M] of episodes that ended."""
        if self.stack is None:
            self.reset()
        scores = self.finish(replay)
        seen = self.stack[:, -1].copy()
        action = agent.act(self.obs, first=self.length == 0)
        extras = dict(getattr(agent, 'extras', {}))  # of this `act`; the step may be stored after the next one
        if self.overlap:
            self.suite.send(action)
            self.underway = seen, action, extras
            return scores
        return self.store(replay, seen, action, extras, self.suite.step(action))

    def finish(self, replay: Any) -> np.ndarray:
        """Waits for the step under way, if any, and stores it. Returns the scores [M] of the episodes that ended."""
        if self.underway is None:
            return np.empty(0)
        (seen, action, extras), self.underway = self.underway, None
        return self.store(replay, seen, action, extras, self.suite.recv())

    def store(self, replay: Any, seen: np.ndarray, action: np.ndarray, extras: dict[str, np.ndarray],
              step: Step) -> np.ndarray:  # fmt: skip
        """Counts a step and stores it in the replay. Returns the scores [M] of the episodes that ended."""
        _, scores, _ = self.count(step)
        replay.add(
            *(seen, action, step.reward, step.terminated, step.truncated, step.final_obs, step.label, step.life_lost),
            extras=extras,
        )
        return scores

    def evaluate(self, agent: Any, episodes: int, record: bool = False) -> dict[str, Any]:
        """Plays whole episodes greedily, from a reset on, and averages over exactly `episodes` of them.

        Every environment plays a fixed share, so that short episodes do not count more often than long ones.

        Returns a dict: 'reward' (mean), 'reward_std', 'length' (mean, in steps); 'video', with `record` the frames
        [T, H, W, 3] of environment 0's first episode if the suite can draw, else None; 'labels' [E] and 'actions'
        [E, K], the labels of the items in their order and the logits, None where there are no labels.

        Raises UserError if an episode does not end.
        """
        self.reset()
        count = self.suite.num_envs
        share = episodes // count + (np.arange(count) < episodes % count)
        played, total_scores, total_lengths = np.zeros(count, np.int64), [], []
        frames: list[np.ndarray] = []
        labels, actions = [], []
        while (played < share).any():
            if record and played[0] == 0:
                film(self.suite, frames)
            action = agent.act(self.obs, explore=False, first=self.length == 0)
            step, scores, lengths = self.step(action)
            ended = step.terminated | step.truncated
            counts = (played < share)[ended]
            total_scores += scores[counts].tolist()
            total_lengths += lengths[counts].tolist()
            if step.label is not None:
                labels.append(step.label[ended][counts])
                actions.append(action[ended][counts])
            played += ended
            if self.length[played < share].max(initial=0) >= LONGEST:
                raise UserError(
                    f'An episode of evaluation did not end within {LONGEST:,} steps: give it a limit, '
                    'for example ++suite.options.max_episode_steps=1000'
                )
        return {
            'reward': float(np.mean(total_scores)),
            'reward_std': float(np.std(total_scores)),
            'length': float(np.mean(total_lengths)),
            'video': np.stack(frames) if frames else None,
            'labels': np.concatenate(labels) if labels else None,
            'actions': np.concatenate(actions) if labels else None,
        }


def film(suite: Any, frames: list[np.ndarray]) -> None:
    """Adds environment 0's frame [H, W, 3], unless it differs in shape from the others or they exceed VIDEO_BYTES."""
    first = frames[0] if frames else np.empty((0, 0, 3))
    if len(frames) * first.nbytes < VIDEO_BYTES:
        drawn = suite.render([0]) or []
        frames += [frame for frame in drawn if frame.shape == (first.shape if frames else (*frame.shape[:2], 3))]
