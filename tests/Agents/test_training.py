"""How a step is taken: rates by part, frozen parts, accumulated gradients, smoothed and mixed labels."""

import math

import pytest
import torch
from torch import nn

import Utils
from Agents import DQNAgent
from Agents.Losses.Supervised import negative_log_likelihood
from Blocks.Distributions import Prediction
from Datasets.Experience import Experience, Spec
from tests.make import make

SPEC = Spec((1, 8, 8), 'uint8', (3,), 3, kind='classify')


class Memory:
    """Gives one batch after the other."""

    prioritized = False

    def __init__(self, *batches):
        self.left = list(batches)

    def batches(self):
        yield self.left.pop(0)


def images(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    obs = torch.randint(256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return Experience(obs=obs, label=torch.arange(count) % 3)


def build(**arguments):
    torch.manual_seed(0)
    plain = {'eyes': lambda input_shape: nn.Flatten(), 'pool': None}  # no batch normalisation, no dropout
    return make(
        DQNAgent, SPEC, {'encoder': plain}, **{'RL': False, 'lr': 0.1, 'optimizer': torch.optim.SGD} | arguments
    )


def moved(agent, batch):
    before = {name: tensor.clone() for name, tensor in agent.creator.state_dict().items()}
    agent.learn(Memory(batch))
    return {name.split('.')[0] for name, tensor in agent.creator.state_dict().items() if (tensor != before[name]).any()}


def test_a_frozen_part_rests_with_its_statistics_until_its_time():
    agent = make(
        DQNAgent, SPEC, RL=False, lr=0.1, rates={'encoder': 'step_linear(0,0,10,1,1)'}
    )  # a CNN, which normalises
    assert moved(agent, images(6)) == {'actor'}
    agent.step = 11
    assert moved(agent, images(6)) == {'encoder', 'actor'}


def test_rates_are_factors_of_the_learning_rate():
    agent = make(DQNAgent, SPEC, RL=False, lr=0.1, weight_decay=0.1, rates={'encoder': 0.1, 'actor': 'linear(1,0,10)'})
    agent.step = 5
    agent.learn(Memory(images(6)))
    rates = {(group['part'], round(group['lr'], 6)) for group in agent.optimization.optimizer.param_groups}
    assert rates == {('encoder', 0.01), ('actor', 0.05)}


def test_a_rate_of_no_part_names_those_there_are():
    with pytest.raises(Utils.UserError, match='encoder, actor'):
        build(rates={'eyes': 0.1, 'critic': 1.0})


@pytest.mark.parametrize('clip_grad_norm', [None, 0.01])
def test_accumulated_gradients_step_as_one_large_batch_does(clip_grad_norm):
    whole, parts = images(12), [images(12)._replace(obs=images(12).obs[i::4], label=images(12).label[i::4])
                                for i in range(4)]  # fmt: skip
    large, small = (build(accumulate=count, clip_grad_norm=clip_grad_norm) for count in (1, 4))
    start = [parameter.clone() for parameter in small.creator.parameters()]
    large.learn(Memory(whole))
    for part in parts[:3]:
        small.learn(Memory(part))
    assert all(map(torch.equal, start, small.creator.parameters()))
    small.learn(Memory(parts[3]))
    for expected, parameter in zip(large.creator.parameters(), small.creator.parameters(), strict=True):
        torch.testing.assert_close(parameter, expected)


def test_each_phase_accumulates_for_itself():
    agent = build(accumulate=2, RL=True)
    assert moved(agent, images(6)) == set() and moved(agent, images(6)) == {'actor', 'critic'}


def test_smoothed_and_mixed_labels():
    policy = Prediction(torch.tensor([[0.0, math.log(3)]]))  # probabilities 1/4 and 3/4
    nll = [-math.log(0.25), -math.log(0.75)]
    label, mixed = torch.tensor([1]), torch.tensor([[0.3, 0.7]])
    smooth = 0.9 * nll[1] + 0.1 * (nll[0] + nll[1]) / 2
    assert negative_log_likelihood(policy, label, 0.1).item() == pytest.approx(smooth)
    assert negative_log_likelihood(policy, mixed).item() == pytest.approx(0.3 * nll[0] + 0.7 * nll[1])
    torch.testing.assert_close(
        negative_log_likelihood(policy, label, 0.1),
        nn.functional.cross_entropy(policy.mean, label, label_smoothing=0.1, reduction='none'),
    )


def test_an_agent_learns_from_mixed_labels_with_reward_too():
    batch = images(6)
    mixed = batch._replace(label=nn.functional.one_hot(batch.label, 3).float() * 0.8 + 0.2 / 3)
    agent = build(RL=True, label_smoothing=0.1)
    agent.learn(Memory(mixed))
    assert 0 <= agent.logs['accuracy'] <= 1 and agent.logs['critic_loss'].isfinite()


@pytest.mark.parametrize('RL', [False, True])
def test_images_without_a_label_teach_nothing_of_labels(RL):
    """Losses are those of the labelled images alone, however many there are without."""
    batch = images(6)
    some = batch._replace(label=torch.tensor([0, -1, 2, -1, -1, 2]))
    few = Experience(obs=batch.obs[[0, 2, 5]], label=batch.label[[0, 2, 5]])
    losses = []
    for each in (some, few):
        agent = build(RL=RL, stddev_schedule=0.0)
        losses.append({name: value for name, value in agent.learn(Memory(each)).items() if name != 'actor_loss'})
    for name in ('supervised_loss', 'accuracy', *(['critic_loss'] if RL else [])):
        torch.testing.assert_close(losses[0][name], losses[1][name])


def test_a_batch_without_any_label_moves_only_who_climbs_the_critic():
    batch = images(6)._replace(label=torch.full((6,), -1))
    assert moved(build(), batch) == set()
    assert moved(build(RL=True), batch) == {'actor'}
