"""Rollouts of an agent through a vector of environments."""

import numpy as np

from Support.Errors import UserError

LONGEST = 200_000  # steps of one evaluation episode; Atari's longest are 27,000
VIDEO_BYTES = 400e6  # of frames; what comes later in an episode is not filmed


class Environment:
    """A suite, the frame stacks the agent sees, and what its episodes came to. It knows nothing of learning.

    Suites give single frames; an observation is the last `frame_stack` of them along the first axis, the episode's
    first repeated in front of it. The replay rebuilds the same stacks, bit for bit.

    overlap: environments step while the learner works, where the suite can; the replay then is one step behind.
    """

    def __init__(self, suite, frame_stack=1, overlap=False):
        self.suite, self.frame_stack = suite, frame_stack
        self.overlap = overlap and hasattr(suite, 'send')
        self.episodes = self.steps = 0
        self.stack = self.underway = None

    @property
    def obs(self):
        """What the agent acts on: [N, frame_stack * C, H, W] or [N, frame_stack * D]."""
        return self.stack.reshape(len(self.stack), -1, *self.stack.shape[3:])

    def reset(self):
        """Begins an episode in every environment."""
        frames = self.suite.reset()
        self.stack = np.repeat(frames[:, None], self.frame_stack, 1)  # [N, S, C, H, W]
        self.score, self.length = np.zeros(len(frames)), np.zeros(len(frames), np.int64)

    def step(self, action):
        """Acts in every environment -> Step, and the scores [M] and lengths [M] of the M episodes that it ended."""
        return self.count(self.suite.step(action))

    def count(self, step):
        """Step -> the same, and the scores [M] and lengths [M] of the M episodes that it ended."""
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

    def state(self):
        """What decides what comes next, as nested dicts of arrays and numbers; None before the first step, and where
        the suite cannot tell."""
        suite = self.suite.state() if self.stack is not None and hasattr(self.suite, 'state') else None
        if suite is None:
            return None
        return {'stack': self.stack, 'score': self.score, 'length': self.length, 'steps': self.steps, 'suite': suite}

    def restore(self, state):
        """Goes on from a `state()`; not reset before. Raises UserError if the suite is another one."""
        self.suite.restore(state['suite'])
        self.stack, self.score, self.length = (np.array(state[name]) for name in ('stack', 'score', 'length'))
        self.steps = state['steps']

    def rollout(self, agent, replay):
        """One explored step of every environment, into the replay -> scores [M] of the episodes that ended."""
        if self.stack is None:
            self.reset()
        scores = self.finish(replay)
        seen = self.stack[:, -1].copy()
        action = agent.act(self.obs, first=self.length == 0)
        extras = dict(getattr(agent, 'extras', {}))  # of this act; the next one may come before the step is stored
        if self.overlap:
            self.suite.send(action)
            self.underway = seen, action, extras
            return scores
        return self.store(replay, seen, action, extras, self.suite.step(action))

    def finish(self, replay):
        """Waits for the step that is under way, if any is -> scores [M] of the episodes that it ended."""
        if self.underway is None:
            return np.empty(0)
        (seen, action, extras), self.underway = self.underway, None
        return self.store(replay, seen, action, extras, self.suite.recv())

    def store(self, replay, seen, action, extras, step):
        """What a step came to, into the replay -> scores [M] of the episodes that it ended."""
        _, scores, _ = self.count(step)
        replay.add(
            *(seen, action, step.reward, step.terminated, step.truncated, step.final_obs, step.label, step.life_lost),
            extras=extras,
        )
        return scores

    def evaluate(self, agent, episodes, record=False):
        """Whole episodes, greedy, from a reset on -> dict with the mean `reward` over exactly `episodes` of them.

        Every environment plays a fixed share, so that short episodes do not count more often than long ones. With
        `record`, 'video' holds the frames [T, H, W, 3] of environment 0's first episode, where the suite can draw. Of
        items with labels, 'labels' [E] and 'actions' [E, K] hold these and the logits, in their order.
        Raises UserError if an episode does not end.
        """
        self.reset()
        count = self.suite.num_envs
        share = episodes // count + (np.arange(count) < episodes % count)
        played, total_scores, total_lengths, frames, labels, actions = np.zeros(count, np.int64), [], [], [], [], []
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


def film(suite, frames):
    """Adds environment 0's frame [H, W, 3] to those before it, unless it differs in shape or they fill the memory."""
    first = frames[0] if frames else np.empty((0, 0, 3))
    if len(frames) * first.nbytes < VIDEO_BYTES:
        drawn = suite.render([0]) or []
        frames += [frame for frame in drawn if frame.shape == (first.shape if frames else (*frame.shape[:2], 3))]
