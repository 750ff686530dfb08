"""Who moves: after one `learn` exactly the tensors that should have moved did, in every domain and precision."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from Agents import (
    A2CAgent,
    BCAgent,
    DQNAgent,
    DrQV2Agent,
    IQLAgent,
    PPOAgent,
    RainbowAgent,
    RandomAgent,
    SACAgent,
    SPRAgent,
    TD3Agent,
    TD3BCAgent,
)
from Blocks.Actors import choose_largest
from Blocks.Architectures import Noisy
from Blocks.Augmentations import RandomShifts
from Datasets.Experience import Part, Spec
from Datasets.Images.Dataset import Dataset
from Datasets.Replay.Replay import Replay
from Datasets.Replay.Rollout import Rollout
from tests.make import make

BATCH, TAU, DECAY = 8, 0.1, 0.75
PIXELS = Spec((1, 16, 16), 'uint8', (), 3)
STATE = Spec((5,), 'float32', (), 3)
CONTINUOUS = Spec((5,), 'float32', (2,), None, -np.ones(2), np.ones(2))
DRAWN = Spec((1, 16, 16), 'uint8', (2,), None, -np.ones(2), np.ones(2))
HAND = Part('hand', (2,), 'float32'), Part('image', (1, 16, 16), 'uint8')
REACH = Spec((8 + 256,), 'uint8', (5,), None, parts=HAND, one_hots=(3,))  # a picture beside a state, two heads
BUTTONS = Spec((5,), 'float32', (5,), None, one_hots=(2, 3))  # two choices at once
DIGITS = Spec((1, 16, 16), 'uint8', (3,), 3, kind='classify', mean=(100.0,), std=(50.0,))
ALL = {'encoder', 'actor', 'critic'}


def replay(spec, path, frame_stack=1, on_policy=False):
    """A replay of random steps, with episodes that end both ways."""
    random = np.random.default_rng(1)
    if on_policy:  # one minibatch
        memory = Rollout(spec, path, num_envs=2, capacity=200, frame_stack=frame_stack, batch_size=80)
    else:
        memory = Replay(
            spec, path, num_envs=2, capacity=200, frame_stack=frame_stack, batch_size=BATCH, nstep=2, horizon=3
        )

    def draw(shape, dtype):
        values = random.integers(256, size=(2, *shape)) if dtype == 'uint8' else random.normal(size=(2, *shape))
        return values.astype(dtype)

    def observe():
        parts = [draw(part.shape, part.dtype).reshape(2, -1).view(np.uint8) for part in spec.parts]
        return np.concatenate(parts, 1) if parts else draw(spec.obs_shape, spec.obs_dtype)

    for step in range(40):
        vector = choose_largest(torch.from_numpy(random.normal(size=(2, *(spec.action_shape or (1,))))), spec.one_hots)
        action = vector.numpy() if spec.action_shape else random.integers(3, size=2)
        ends = np.array([step % 7 == 6, step % 5 == 4])
        label = random.integers(3, size=2) if spec.kind == 'classify' else None
        reward = random.normal(size=2) * 0.3  # within Huber's square, where no two errors weigh the same
        memory.add(observe(), action, reward, ends & [True, False], ends & [False, True], observe(), label)
    return memory


def data_set(spec, path, frame_stack=1, on_policy=False):
    random = torch.Generator().manual_seed(1)
    images = torch.randint(256, (30, *spec.obs_shape), generator=random, dtype=torch.uint8)
    return Dataset(SimpleNamespace(obs=images, label=torch.randint(3, (30,), generator=random)), BATCH)


CRITIC = {'encoder', 'critic'}
FORESEES = {'encoder', 'critic', 'dynamics', 'projector', 'predictor'}
NOISY = {'recipes': {'critic': {'q_head': Noisy}}}
SOFT = [CRITIC, {'actor'}, {'temperature'}]
CLONED = [{'encoder', 'actor'}]
IMPLICIT = [CRITIC | {'value'}, {'actor'}]
CONSERVATIVE = {'conservative': 1.0}
NO_TARGET = {'target_tau': 1, 'target_period': 1}
# What moves in control, phase by phase: name: agent, spec, arguments, parts
CONTROL = {
    'DQN pixels': (DQNAgent, PIXELS, {'frame_stack': 2}, [CRITIC]),
    'DQN pixels, no target': (DQNAgent, PIXELS, NO_TARGET, [CRITIC]),
    'DQN pixels, not double': (DQNAgent, PIXELS, {'double': False}, [CRITIC]),
    'DQN pixels, dueling, two critics': (DQNAgent, PIXELS, {'dueling': True, 'num_critics': 2}, [CRITIC]),
    'DQN state': (DQNAgent, STATE, {}, [CRITIC]),
    'DQN state, no target': (DQNAgent, STATE, NO_TARGET, [CRITIC]),
    'DQN continuous': (DQNAgent, CONTINUOUS, {}, [CRITIC]),
    'DQN continuous, no target': (DQNAgent, CONTINUOUS, NO_TARGET, [CRITIC]),
    'DrQV2 pixels': (DrQV2Agent, PIXELS, {'frame_stack': 2}, [CRITIC, {'actor'}]),
    'DrQV2 continuous': (DrQV2Agent, CONTINUOUS, {}, [CRITIC, {'actor'}]),
    'DrQV2 continuous, no target': (DrQV2Agent, CONTINUOUS, NO_TARGET, [CRITIC, {'actor'}]),
    'TD3 pixels': (TD3Agent, PIXELS, {'target_period': 1}, [CRITIC, {'actor'}]),
    'TD3 continuous': (TD3Agent, CONTINUOUS, {'target_period': 1}, [CRITIC, {'actor'}]),
    'SAC pixels': (SACAgent, PIXELS, {}, SOFT),
    'SAC continuous': (SACAgent, CONTINUOUS, {}, SOFT),
    'A2C pixels': (A2CAgent, PIXELS, {'frame_stack': 2}, [ALL]),
    'A2C continuous': (A2CAgent, CONTINUOUS, {}, [ALL | {'decide'}]),
    'PPO pixels': (PPOAgent, PIXELS, {'epochs': 1}, [ALL]),
    'PPO continuous': (PPOAgent, CONTINUOUS, {'epochs': 1}, [ALL | {'decide'}]),
    'PPO with memory': (PPOAgent, PIXELS, {'epochs': 1, 'memory': 'LSTM'}, [ALL | {'memory'}]),
    'A2C with memory': (A2CAgent, STATE, {'memory': 'LSTM'}, [ALL | {'memory'}]),
    'SPR pixels': (SPRAgent, PIXELS, {'frame_stack': 2, 'projection_dim': 8}, [FORESEES]),
    'SPR pixels, distributional, no target': (
        SPRAgent,
        PIXELS,
        {'atoms': 5, 'projection_dim': 8} | NO_TARGET,
        [FORESEES],
    ),
    'SPR state': (SPRAgent, STATE, {'projection_dim': 8}, [FORESEES]),
    'SPR continuous': (SPRAgent, CONTINUOUS, {'projection_dim': 8}, [FORESEES, {'actor'}]),
    'SPR continuous pixels': (SPRAgent, DRAWN, {'projection_dim': 8}, [FORESEES, {'actor'}]),
    'Rainbow': (RainbowAgent, STATE, {'atoms': 5, 'dueling': True} | NOISY, [CRITIC]),
    'Rainbow continuous': (RainbowAgent, CONTINUOUS, {'atoms': 5} | NOISY, [CRITIC]),
    'DQN record': (DQNAgent, REACH, {'frame_stack': 2}, [CRITIC]),
    'Rainbow record': (RainbowAgent, REACH, {'atoms': 5} | NOISY, [CRITIC]),
    'DrQV2 record': (DrQV2Agent, REACH, {'recipes': {'aug': RandomShifts}, 'frame_stack': 2}, [CRITIC, {'actor'}]),
    'TD3 record': (TD3Agent, REACH, {'target_period': 1}, [CRITIC, {'actor'}]),
    'SAC record': (SACAgent, REACH, {}, SOFT),
    'A2C record': (A2CAgent, REACH, {'normalize_obs': True}, [ALL | {'decide'}]),
    'PPO record': (PPOAgent, REACH, {'epochs': 1, 'memory': 'LSTM'}, [ALL | {'decide', 'memory'}]),
    'SPR record': (SPRAgent, REACH, {'projection_dim': 8}, [FORESEES, {'actor'}]),
    'Random record': (RandomAgent, REACH, {}, []),
    'DQN buttons': (DQNAgent, BUTTONS, {}, [CRITIC]),
    'DrQV2 buttons': (DrQV2Agent, BUTTONS, {}, [CRITIC, {'actor'}]),
    'SAC buttons': (SACAgent, BUTTONS, {}, SOFT),
    'PPO buttons': (PPOAgent, BUTTONS, {'epochs': 1}, [ALL]),
    'DQN pixels, conservative': (DQNAgent, PIXELS, CONSERVATIVE | {'num_critics': 2}, [CRITIC]),
    'DQN continuous, conservative': (DQNAgent, CONTINUOUS, CONSERVATIVE, [CRITIC]),
    'DQN record, conservative': (DQNAgent, REACH, CONSERVATIVE, [CRITIC]),
    'Rainbow, conservative': (RainbowAgent, STATE, {'atoms': 5} | CONSERVATIVE | NOISY, [CRITIC]),
    'SAC pixels, conservative': (SACAgent, PIXELS, CONSERVATIVE, SOFT),
    'SAC continuous, conservative': (SACAgent, CONTINUOUS, CONSERVATIVE, SOFT),
    'SAC continuous pixels, conservative': (SACAgent, DRAWN, CONSERVATIVE, SOFT),
    'SAC record, conservative': (SACAgent, REACH, CONSERVATIVE, SOFT),
    'BC pixels': (BCAgent, PIXELS, {'frame_stack': 2}, CLONED),
    'BC state': (BCAgent, STATE, {}, CLONED),
    'BC continuous': (BCAgent, CONTINUOUS, {}, CLONED),
    'BC continuous pixels': (BCAgent, DRAWN, {}, CLONED),
    'BC record': (BCAgent, REACH, {}, CLONED),
    'TD3BC pixels': (TD3BCAgent, PIXELS, {'frame_stack': 2}, [CRITIC, {'actor'}]),
    'TD3BC state': (TD3BCAgent, STATE, {}, [CRITIC, {'actor'}]),
    'TD3BC continuous': (TD3BCAgent, CONTINUOUS, {}, [CRITIC, {'actor'}]),
    'TD3BC continuous pixels': (TD3BCAgent, DRAWN, {}, [CRITIC, {'actor'}]),
    'TD3BC record': (TD3BCAgent, REACH, {}, [CRITIC, {'actor'}]),
    'IQL pixels': (IQLAgent, PIXELS, {'frame_stack': 2}, IMPLICIT),
    'IQL state': (IQLAgent, STATE, {}, IMPLICIT),
    'IQL continuous': (IQLAgent, CONTINUOUS, {}, IMPLICIT),
    'IQL continuous, no target': (IQLAgent, CONTINUOUS, NO_TARGET, IMPLICIT),
    'IQL continuous pixels': (IQLAgent, DRAWN, {}, IMPLICIT),
    'IQL record': (IQLAgent, REACH, {}, IMPLICIT),
    'IQL buttons': (IQLAgent, BUTTONS, {}, IMPLICIT),
    'Random pixels': (RandomAgent, PIXELS, {}, []),
    'Random continuous': (RandomAgent, CONTINUOUS, {}, []),
}
# The other domains are the same for every agent: name: spec, memory, arguments, parts
DOMAINS = {
    'labels': (DIGITS, data_set, {'RL': False}, [{'encoder', 'actor'}]),
    'labels, replay': (DIGITS, replay, {'RL': False}, [{'encoder', 'actor'}]),
    'reward': (DIGITS, data_set, {'supervise': False}, [CRITIC, {'actor'}]),
    'reward, replay': (DIGITS, replay, {'supervise': False}, [CRITIC, {'actor'}]),
    'reward and labels': (DIGITS, data_set, {}, [ALL, {'actor'}]),
    'reward and labels, replay': (DIGITS, replay, {}, [ALL, {'actor'}]),
    'generate': (DIGITS, data_set, {'generate': True}, [{'critic'}, {'actor'}]),
    'generate frames': (PIXELS, replay, {'generate': True, 'frame_stack': 2}, [{'critic'}, {'actor'}]),
    'generate frames of continuous control': (DRAWN, replay, {'generate': True}, [{'critic'}, {'actor'}]),
}
LEARNERS = [
    *(DQNAgent, DrQV2Agent, TD3Agent, SACAgent, SPRAgent, A2CAgent, PPOAgent),
    *(BCAgent, TD3BCAgent, IQLAgent),
]
TWO_CRITICS = (DrQV2Agent, TD3Agent, SACAgent, IQLAgent)  # and their subclasses
CASES = {name: (Agent, spec, replay, *rest) for name, (Agent, spec, *rest) in CONTROL.items()} | {
    f'{Agent.__name__} {name}': (Agent, spec, memory, arguments, parts if Agent in LEARNERS else [])
    for Agent in [*LEARNERS, RandomAgent]
    for name, (spec, memory, arguments, parts) in DOMAINS.items()
}


def build(Agent, spec, arguments, precision):
    common = dict(trunk_dim=8, hidden_dim=16, lr=1e-3, latent_dim=6, ema=True, ema_decay=DECAY, target_tau=TAU)
    common |= {'target_period': 1, 'num_critics': 2 if issubclass(Agent, TWO_CRITICS) else 1}
    return make(Agent, spec, precision=precision, **common | arguments)


def snapshot(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def assert_moved(agent, before, parts):
    """Each tensor of these parts of the creator moved, by finite amounts, and no other tensor of the creator did."""
    for name, now in agent.creator.named_parameters():
        moved = not torch.equal(now, before[name])
        assert moved == (name.split('.')[0] in parts), f'{name} {"moved" if moved else "stayed"}'
        assert now.isfinite().all() and now.grad is None, name


def built(case, precision, path):
    Agent, spec, memory, arguments, phases = CASES[case]
    agent = build(Agent, spec, arguments, precision)
    return agent, memory(spec, path / 'replay', arguments.get('frame_stack', 1), agent.on_policy), phases


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize('case', CASES)
def test_who_moves(case, precision, tmp_path):
    agent, memory, phases = built(case, precision, tmp_path)
    parts = set().union(*phases)
    before, target, average = snapshot(agent.creator), agent.target and snapshot(agent.target), snapshot(agent.average)
    agent.learn(memory)
    assert_moved(agent, before, parts)
    for slow, old, rate in ((agent.target, target, TAU), (agent.average, average, 1 - DECAY)):
        if slow is None:
            assert 'no target' in case
            continue
        for (name, now), new in zip(slow.named_parameters(), agent.creator.parameters(), strict=True):
            torch.testing.assert_close(now, old[name] + rate * (new - old[name]), rtol=1e-5, atol=1e-7)
            moved = not torch.equal(now, old[name])
            assert moved == (name.split('.')[0] in parts), f'slow {name}'
            assert not now.requires_grad
        for now, new in zip(slow.buffers(), agent.creator.buffers(), strict=True):
            assert torch.equal(now, new)


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize('case', [name for name in CASES if len(CASES[name][4]) > 1])
def test_each_phase_moves_its_own_parts(case, precision, tmp_path):
    for phase, parts in enumerate(CASES[case][4]):
        agent, memory, phases = built(case, precision, tmp_path / str(phase))
        agent.entropy = torch.tensor(0.5)  # of an earlier phase, which is left out here
        assert len(agent.phases) == len(phases) and set(agent.phases[phase].trains) == parts
        agent.phases, before = (agent.phases[phase],), snapshot(agent.creator)
        agent.learn(memory)
        assert_moved(agent, before, parts)


def test_a_delayed_phase_waits(tmp_path):
    """TD3: the actor moves in every second update, and so does the target."""
    agent = build(TD3Agent, CONTINUOUS, {'target_period': 2}, 'fp32')
    memory = replay(CONTINUOUS, tmp_path / 'replay')
    for update in range(4):
        before, target = snapshot(agent.creator), snapshot(agent.target)
        agent.learn(memory)
        assert_moved(agent, before, CRITIC if update % 2 else ALL)
        followed = any(not torch.equal(now, target[name]) for name, now in agent.target.named_parameters())
        assert followed == (update % 2 == 1)


@pytest.mark.parametrize('arguments', [{}, {'double': False}, {'target_tau': 1, 'target_period': 1}], ids=str)
def test_bf16_gradients_are_those_of_fp32(arguments, tmp_path):
    """Autocast caches bf16 copies of weights: one cached without a gradient would cut its weight off."""
    memory, gradients = replay(PIXELS, tmp_path / 'replay'), {}
    for precision in ('fp32', 'bf16'):
        torch.manual_seed(0)
        agent = build(DQNAgent, PIXELS, arguments, precision)
        agent.optimization.optimizer.step = lambda agent=agent, precision=precision: gradients.update(
            {precision: [parameter.grad.clone() for parameter in agent.creator.parameters()]}
        )
        memory.cursor = 0
        agent.learn(memory)
    for full, half in zip(gradients['fp32'], gradients['bf16'], strict=True):
        similarity = torch.cosine_similarity(full.flatten(), half.flatten(), 0)
        assert similarity > 0.9 and full.norm() > 0


def test_target_moves_every_target_period_updates(tmp_path):
    agent = build(DQNAgent, STATE, {'target_tau': 1, 'target_period': 3}, 'fp32')
    memory = replay(STATE, tmp_path / 'replay')
    for update in range(1, 7):
        old = snapshot(agent.target)
        agent.learn(memory)
        copied = all(
            torch.equal(a, b) for a, b in zip(agent.target.parameters(), agent.creator.parameters(), strict=True)
        )
        kept = all(torch.equal(now, old[name]) for name, now in agent.target.named_parameters())
        assert (copied, kept) == (update % 3 == 0, update % 3 != 0)


def test_ema_acts_and_creates_with_the_average(tmp_path):
    agent = build(DQNAgent, DIGITS, {'RL': False}, 'fp32')
    for parameter in agent.average.parameters():
        parameter.zero_()
    obs = np.random.default_rng(0).integers(256, size=(4, 1, 16, 16), dtype=np.uint8)
    assert not agent.act(obs, explore=False).any()  # the average's logits are 0
    generator = build(DQNAgent, DIGITS, {'generate': True}, 'fp32')
    for parameter in generator.average.parameters():
        parameter.zero_()
    assert (generator.domain.create(3) == 128).all()  # tanh(0) is the middle of 0..255


def test_learning_rate_and_clipping(tmp_path):
    agent = build(
        DQNAgent, STATE, {'lr': 'linear(1.0,0.0,10)', 'clip_grad_norm': 0.05, 'optimizer': torch.optim.SGD}, 'fp32'
    )
    before, memory = snapshot(agent.creator), replay(STATE, tmp_path / 'replay')
    agent.step = 8  # the learning rate is 0.2, so a gradient of norm 0.05 moves the parameters by 0.01
    agent.learn(memory)
    moved = torch.cat([(now.detach() - before[name]).flatten() for name, now in agent.creator.named_parameters()])
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)
