"""Vectors of other libraries (tests/Agents/vectors), and agents with the networks that these have."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from Blocks.Architectures import MLP, Null
from Datasets.Experience import Experience, Spec
from Datasets.Replay.Rollout import Rollout
from tests.make import make

OBS, ACTIONS, CHOICES, UNITS = 3, 2, 4, 8
DISCOUNT, TAU, LR = 0.9, 0.05, 1e-2  # as in vectors/common.py
DISCRETE, CONTINUOUS = Spec((OBS,), 'float32', (), CHOICES), Spec((OBS,), 'float32', (ACTIONS,), None)


def vectors(name):
    """The arrays of a file, as tensors. Parameters are vectors [P], of layer after layer."""
    with np.load(Path(__file__).parent / 'vectors' / f'{name}.npz') as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def like_peer(cls, spec, data, activation='ReLU', **settings):
    """An agent with two hidden layers of 8 units, the settings of all vectors, and the weights of `before_*`."""
    head = partial(MLP, hidden_dim=UNITS, depth=2, activation=activation)
    blocks = {'actor': {'trunk': Null, 'pi_head': head}, 'critic': {'trunk': Null, 'q_head': head}}
    agent = make(cls, spec, blocks, **{'lr': LR, 'target_tau': TAU, 'optimizer': torch.optim.Adam} | settings)
    modules = parts(agent)
    for name, vector in data.items():
        if name.startswith('before_'):
            part = name.removeprefix('before_')
            for module in (modules[part], modules.get(f'target_{part}')):
                if module is not None:
                    vector_to_parameters(vector.clone(), module.parameters())
    return agent


def parts(agent):
    """Modules by the names that the vectors have."""
    found = dict(agent.creator.named_children()) | {'log_std': agent.creator.decide}
    targets = dict(agent.target.named_children()) if agent.target else {}
    return found | {f'target_{name}': module for name, module in targets.items()}


def flat(module):
    """Parameters of a module as a vector [P]."""
    return parameters_to_vector(module.parameters()).detach()


def assert_parts(agent, expected, atol):
    """Compares parameters with vectors by the names of `parts`."""
    modules = parts(agent)
    for name, vector in expected.items():
        torch.testing.assert_close(flat(modules[name]), vector, rtol=0, atol=atol, msg=lambda m, n=name: f'{n}: {m}')


def after(data):
    """The vectors of `after_*` by their parts."""
    return {name.removeprefix('after_'): vector for name, vector in data.items() if name.startswith('after_')}


# Off-policy agents


class Batches:
    """A replay of prepared batches, one in each call of `learn`."""

    prioritized = False

    def __init__(self, data):
        self.data, self.next = data, 0

    def batches(self):
        fields = {name: self.data[name][self.next] for name in ('obs', 'action', 'reward', 'next_obs')}
        discount = DISCOUNT * (1 - self.data['done'][self.next])
        self.next += 1
        yield Experience(**fields, discount=discount)


def learn(agent, data, monkeypatch):
    """Learns from the batches one by one, with their noise (the target's, then the actor's); yields 0, 1, 2."""
    replay = Batches(data)
    for u in range(len(data['obs'])):
        if 'noise' in data:
            noise = iter(data['noise'][:, u])
            monkeypatch.setattr(torch, 'randn_like', lambda like, noise=noise: next(noise).clone())
        agent.learn(replay)
        yield u


def check(agent, data, names, atol, monkeypatch, losses):
    """Compares parts and losses after each update. losses: ours -> (theirs, how many times ours it is)."""
    for u in learn(agent, data, monkeypatch):
        assert_parts(agent, {name: data[name][u] for name in names}, atol)
        for name, (peer, factor) in losses.items():
            torch.testing.assert_close(factor * agent.logs[name], data[peer][u], rtol=1e-5, atol=1e-5)


# On-policy agents


def learn_rollout(agent, data, path):
    """Stores a rollout step by step and learns from it. Returns it as it was appraised, [N, T]."""
    steps, envs = data['reward'].shape
    replay = Rollout(
        agent.spec, path, num_envs=envs, capacity=4 * steps * envs, batch_size=steps * envs, discount=DISCOUNT
    )
    names = ('obs', 'action', 'reward', 'terminated', 'truncated', 'final_obs')
    for t in range(steps):
        replay.add(*(data[name][t].numpy() for name in names))
    seen, appraise = [], agent.appraise
    agent.appraise = lambda rollout: seen.append(appraise(rollout)) or seen[-1]
    agent.learn(replay)
    return seen[0]


def assert_appraised(rollout, data, atol):
    """Compares advantages, returns and log-probabilities of a rollout [N, T]."""
    for name in ('advantage', 'returns', 'log_prob'):
        torch.testing.assert_close(getattr(rollout, name).T, data[name], rtol=0, atol=atol)
