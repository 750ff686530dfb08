"""What an update sees: images that are augmented, next ones too, and DrQ-v2's target actions with their noise."""

import pytest
import torch
from torch import nn

from Agents import BCAgent, DQNAgent, DrQV2Agent, IQLAgent, RainbowAgent, SACAgent, SPRAgent, TD3Agent
from Blocks.Augmentations import RandomShifts, RandomShiftsIntensity
from Datasets.Experience import Experience, Future, Spec
from Runs.Create import create_agent
from tests.make import make

PIXELS, DRAWN = Spec((1, 16, 16), 'uint8', (), 3), Spec((1, 16, 16), 'uint8', (2,), None)
DIGITS = Spec((1, 16, 16), 'uint8', (3,), 3, kind='classify')
SMALL = {'trunk_dim': 4, 'hidden_dim': 8}
OBS, NEXT, FUTURE, SHIFT = 10, 20, 30, 100  # gray values


class Brighter(nn.Module):
    """Adds SHIFT to images."""

    def __init__(self, *shapes):
        super().__init__()

    def forward(self, image):
        return image + SHIFT


class Memory:
    prioritized = False

    def __init__(self, batch):
        self.batch = batch

    def batches(self):
        yield self.batch


def gray(value, *shape):
    return torch.full((*shape, 1, 16, 16), value, dtype=torch.uint8)


def batch(spec):
    action = torch.zeros(4, *spec.action_shape, dtype=torch.float if spec.action_shape else torch.long)
    if spec.kind == 'classify':
        return Experience(obs=gray(OBS, 4), label=torch.arange(4) % 3)
    future = Future(gray(FUTURE, 4, 2), torch.stack([action, action], 1), torch.zeros(4, 2), torch.ones(4, 2).bool())
    return Experience(obs=gray(OBS, 4), action=action, reward=torch.ones(4), discount=torch.ones(4),
                      next_obs=gray(NEXT, 4), last=torch.zeros(4).bool(), future=future)  # fmt: skip


def watch(agent, seen):
    """Notes the gray values that the encoders of an agent are given."""
    for creator in (agent.creator, agent.target, agent.average):
        if creator:
            creator.encoder.register_forward_pre_hook(lambda module, given: seen.update(given[0].unique().tolist()))
    return agent


@pytest.mark.parametrize('cls', [DQNAgent, RainbowAgent, DrQV2Agent, TD3Agent, SACAgent, SPRAgent, IQLAgent, BCAgent])
@pytest.mark.parametrize('spec', [PIXELS, DRAWN, DIGITS], ids=['discrete', 'continuous', 'classify'])
def test_all_that_an_update_sees_is_augmented_and_nothing_that_is_acted_on(cls, spec):
    own = {'projection_dim': 8} if cls is SPRAgent else {'atoms': 5} if cls is RainbowAgent else {}
    seen = set()
    agent = watch(make(cls, spec, {'aug': Brighter}, **SMALL, **own), seen)
    agent.learn(Memory(batch(spec)))
    control = spec is not DIGITS
    wanted = {OBS} | ({NEXT} if control and cls is not BCAgent else set())
    wanted |= {FUTURE} if control and cls is SPRAgent else set()
    assert seen == {value + SHIFT for value in wanted}
    seen.clear()
    agent.act(gray(OBS, 4).numpy())
    assert seen == {OBS}


def test_observations_and_next_ones_are_shifted_apart():
    image = torch.randint(256, (1, 1, 16, 16), dtype=torch.uint8).expand(8, -1, -1, -1)
    agent = make(DQNAgent, PIXELS, {'aug': RandomShifts}, **SMALL)
    seen = agent.perceive(batch(PIXELS)._replace(obs=image, next_obs=image))
    assert len(seen.obs.unique(dim=0)) > 4 and not torch.equal(seen.obs, seen.next_obs)


@pytest.mark.parametrize(
    ('words', 'aug'),
    [
        (['Agent=DQN', 'task=atari/pong'], RandomShiftsIntensity),
        (['Agent=SPR', 'task=atari/pong'], RandomShiftsIntensity),
        (['Agent=DrQV2', 'task=dmc/cheetah_run'], RandomShifts),
    ],
)
def test_the_program_augments_as_its_papers_do(words, aug):
    spec = Spec((1, 84, 84), 'uint8', (), 6) if 'task=atari/pong' in words else Spec((3, 84, 84), 'uint8', (6,), None)
    assert type(create_agent(spec, *words, 'hidden_dim=8', 'trunk_dim=4').aug) is aug


class Action(nn.Module):
    """A critic whose value of an action [B, 1] is that action."""

    def forward(self, features, action):
        return action.squeeze(-1).unsqueeze(0)


@pytest.mark.parametrize(
    ('deviation', 'clip', 'low', 'high'), [(0.1, 5.0, 0.09, 0.11), (50.0, 0.3, 0.29, 0.3001), (0.0, 0.3, 0.0, 0.0)]
)
def test_the_target_of_drqv2_has_the_noise_of_exploration_clipped(deviation, clip, low, high):
    """arXiv:2107.09645, eq. 2: a' = pi(s') + noise, clipped at +-c."""
    agent = make(DrQV2Agent, Spec((3,), 'float32', (1,), None), stddev_schedule=deviation, noise_clip=clip, **SMALL)
    agent.target.critic = Action()
    following = 0.1 * torch.randn(2000, 3)
    experience = Experience(reward=torch.zeros(2000), discount=torch.ones(2000), next_obs=following)
    with torch.no_grad():
        best = agent.creator(following).mode().squeeze(-1)
    assert best.abs().max() < 0.7  # so that the bounds of actions cut nothing
    noise = agent.returns(experience) - best
    assert low <= noise.std() <= high and abs(noise.mean()) < 0.02
