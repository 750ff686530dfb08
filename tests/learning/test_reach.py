"""Pixels with a state, and two action heads: where to move and whether to grip."""

from functools import partial

import pytest

from Agents import SACAgent
from Blocks.Architectures import CNN, MLP, Null
from Datasets.Replay.Replay import Replay
from Datasets.Suites.Gym import Gym
from Environment import Environment
from Support.RandomState import seed_everything
from tests.make import make

HEAD = partial(MLP, depth=2)
RECIPES = {
    'encoder': {'eyes': partial(CNN, channels=(8, 16, 16), norm=False)},
    'actor': {'trunk': Null, 'pi_head': HEAD},
    'critic': {'trunk': Null, 'q_head': HEAD},
}


def suite(num_envs, train):
    return Environment(Gym('Datasets.Suites.Examples:Reach-v0', num_envs, seed=1, train=train))


@pytest.mark.timeout(120)
def test_reach_is_learned(tmp_path):
    seed_everything(1)
    environment, arena = suite(8, train=True), suite(20, train=False)
    spec = environment.suite.spec
    agent = make(SACAgent, spec, RECIPES, hidden_dim=128, temperature=0.1, lr=2e-3, target_tau=0.02)
    replay = Replay(spec, tmp_path / 'replay', 8, capacity=10_000, batch_size=64, discount=0.9)
    for step in range(750):
        environment.rollout(agent, replay)
        agent.step += 8
        if step > 50:
            agent.learn(replay)
    assert arena.evaluate(agent, 60)['reward'] > 3  # at random -2.4, without a grip 0 at most
