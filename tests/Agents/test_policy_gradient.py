"""Advantages, ratios, and what the on-policy agents make of a rollout, against numbers worked by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from Agents import A2CAgent, PPOAgent
from Agents.Losses.PolicyGradient import approximate_kl, clipped_ratio, generalized_advantage
from Datasets.Experience import Spec
from Datasets.Replay.Rollout import Rollout
from Environment import Environment
from tests.learning.tasks import Recall
from tests.make import make

SPEC = Spec((2,), 'float32', (), 2)


def test_advantages_by_hand():
    """Three steps that go on: errors 1, 1 and 2; each is joined by half of what comes later (discount * lambda)."""
    value, next_value = torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[1.0, 1.0, 2.0]])
    reward, discount, last = torch.ones(1, 3), torch.full((1, 3), 1.0), torch.zeros(1, 3, dtype=torch.bool)
    advantage = generalized_advantage(reward, discount, value, next_value, last, 0.5)
    assert advantage.tolist() == [[2.0, 2.0, 2.0]]  # 1 + (1 + 2/2)/2, 1 + 2/2, 2


@pytest.mark.parametrize(
    ('discount', 'error'), [(0.0, 1.0 - 5.0), (0.9, 1.0 + 0.9 * 7.0 - 5.0)], ids=['terminated', 'truncated']
)
def test_an_episode_that_ends_cuts_the_trace(discount, error):
    """Truncation bootstraps from the final observation, termination does not; neither hears of the next episode."""
    reward, value, next_value = torch.tensor([[1.0, 100.0]]), torch.tensor([[5.0, 1.0]]), torch.tensor([[7.0, 2.0]])
    last, discounts = torch.tensor([[True, False]]), torch.tensor([[discount, 0.9]])
    advantage = generalized_advantage(reward, discounts, value, next_value, last, 0.95)
    assert advantage[0, 0].item() == pytest.approx(error)


def test_lambda_one_is_the_return_less_the_value():
    torch.manual_seed(0)
    reward, value = torch.randn(2, 6), torch.randn(2, 6)
    after = torch.cat([value[:, 1:], torch.randn(2, 1)], 1)
    going = torch.zeros(2, 6, dtype=torch.bool)
    advantage = generalized_advantage(reward, torch.full((2, 6), 0.9), value, after, going, 1.0)
    total = after[:, -1]
    for t in reversed(range(6)):
        total = reward[:, t] + 0.9 * total
        torch.testing.assert_close(advantage[:, t], total - value[:, t])


@pytest.mark.parametrize(
    ('ratio', 'advantage', 'objective', 'moves'),
    [(1.5, 2.0, 2.4, False), (0.5, 2.0, 1.0, True), (1.5, -2.0, -3.0, True), (0.5, -2.0, -1.6, False)],
)
def test_clipped_ratio_by_hand(ratio, advantage, objective, moves):
    """Figure 1 of the paper: beyond the clip nothing is to be gained, but what was lost can be won back."""
    log_prob = torch.tensor([math.log(ratio)], requires_grad=True)
    value = clipped_ratio(log_prob, torch.zeros(1), torch.tensor([advantage]), 0.2)
    value.sum().backward()
    assert value.item() == pytest.approx(objective)
    assert bool(log_prob.grad.any()) == moves


def test_kl_of_equal_policies_is_zero_and_else_positive():
    assert approximate_kl(torch.zeros(3), torch.zeros(3)) == 0
    assert approximate_kl(torch.tensor([0.5, -0.5]), torch.zeros(2)) > 0


@pytest.fixture
def rollout(tmp_path):
    """Two environments, six steps: the first ends after its third, the second is cut off after its fourth."""
    memory = Rollout(SPEC, tmp_path / 'rollout', num_envs=2, capacity=64, batch_size=4, discount=0.5)
    frame = np.zeros((2, 2), np.float32)
    for t in range(6):
        frame = frame + 1
        ends = np.array([t == 2, False]), np.array([False, t == 3])
        memory.add(frame, np.array([t % 2, 1]), np.array([t, 10.0 + t]), *ends, frame + 0.25)
    return memory


def test_a_rollout_is_what_happened(rollout):
    steps = rollout.collect()
    assert steps.obs[..., 0].tolist() == [[1, 2, 3, 4, 5, 6]] * 2
    assert steps.reward.tolist() == [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]
    assert steps.action.tolist() == [[0, 1, 0, 1, 0, 1], [1] * 6]
    assert steps.discount.tolist() == [[0.5, 0.5, 0, 0.5, 0.5, 0.5], [0.5] * 6]
    assert steps.last.tolist() == [[False, False, True, False, False, False], [False, False, False, True, False, False]]
    after = [[2, 3, 3.25, 5, 6, 6.25], [2, 3, 4, 4.25, 6, 6.25]]  # the final observation, not the next episode's first
    assert steps.next_obs[..., 0].tolist() == after
    assert not rollout.ready  # all of it is used


def test_every_step_is_used_once_an_epoch(rollout):
    batches = list(rollout.minibatches(rollout.collect(), epochs=3))
    assert [tuple(batch.reward.shape) for batch in batches] == [(4, 1)] * 9
    for epoch in range(3):
        rewards = torch.cat([batch.reward for batch in batches[3 * epoch : 3 * epoch + 3]])
        assert sorted(rewards.flatten().tolist()) == [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]


def build(Agent, **arguments):
    torch.manual_seed(0)
    return make(Agent, SPEC, trunk_dim=8, hidden_dim=16, target_tau=1, **arguments)


def test_appraisal_against_a_plain_loop(rollout):
    agent = build(A2CAgent, trace=0.7)
    steps = agent.appraise(agent.receive(rollout.collect()))
    value = lambda obs: agent.eval().creator.critic(agent.creator.encoder(obs))[0].detach()  # noqa: E731
    for env in range(2):
        v, after = value(steps.obs[env]), value(steps.next_obs[env])
        later = 0.0
        for t in reversed(range(6)):
            error = steps.reward[env, t] + steps.discount[env, t] * after[t] - v[t]
            later = error + (0.0 if steps.last[env, t] else float(steps.discount[env, t]) * 0.7 * later)
            assert steps.advantage[env, t].item() == pytest.approx(float(later), rel=1e-4)
            assert steps.returns[env, t].item() == pytest.approx(float(later + v[t]), rel=1e-4)
    policy = agent.creator(steps.obs.flatten(0, 1))
    torch.testing.assert_close(steps.log_prob.flatten(), policy.log_prob(steps.action.flatten()))


def test_all_epochs_learn_the_same_advantages_beside_the_same_probabilities(rollout):
    """The paper's algorithm 1: the rollout is judged once, by the creator that acted."""
    agent, seen = build(PPOAgent, epochs=3), []
    objective = agent.objective
    agent.objective = lambda *arguments: seen.append(arguments[1:]) or objective(*arguments)
    agent._advantage = lambda batch: batch.advantage
    agent.learn(rollout)
    epochs = [torch.cat([torch.stack(pair, 1) for pair in seen[i : i + 3]]) for i in (0, 3, 6)]
    for epoch in epochs[1:]:
        torch.testing.assert_close(epoch.sort(0).values, epochs[0].sort(0).values, rtol=0, atol=0)


def test_a_frozen_part_rests_while_a_rollout_is_learned_from(rollout):
    agent = build(PPOAgent, rates={'encoder': 0.0})
    agent.learn(rollout)
    assert not agent.creator.encoder.training and agent.creator.actor.training


def test_a_rollout_is_done_with_when_the_policy_has_moved_enough(rollout):
    agent = build(PPOAgent, target_kl=-1.0, epochs=5)
    agent.learn(rollout)
    assert agent.updates == 1


def test_clipped_values_by_hand():
    agent = build(PPOAgent, clip_value=0.5, value_coef=1.0)
    agent.creator.critic.forward = lambda features: torch.tensor([[2.0, 0.2]])
    batch = SimpleNamespace(obs=None, returns=torch.tensor([1.0, 1.0]), advantage=torch.tensor([1.0, 1.0]))  # old: 0
    assert agent.value_loss(batch).item() == pytest.approx(((2 - 1) ** 2 + (0.2 - 1) ** 2) / 2)
    batch.returns, batch.advantage = torch.tensor([2.0, 1.0]), torch.tensor([2.0, 1.0])
    assert agent.value_loss(batch).item() == pytest.approx(((0.5 - 2) ** 2 + (0.2 - 1) ** 2) / 2)  # the clipped one


def test_the_actor_begins_undecided():
    probs = build(PPOAgent).creator(torch.randn(20, 2)).probs
    assert (probs - 0.5).abs().max() < 0.02


def test_normalised_agents_see_states_of_unit_scale(rollout):
    agent = build(PPOAgent, normalize_obs=True, normalize_reward=True, num_envs=2)
    agent.learn(rollout)
    seen = agent.creator.encoder(torch.tensor([[1.0, 1.0], [6.0, 6.0]]))
    deviation = np.std([1, 2, 3, 4, 5, 6])
    torch.testing.assert_close(seen, torch.tensor([[-2.5, -2.5], [2.5, 2.5]]) / deviation, rtol=1e-4, atol=1e-4)
    saved = agent.creator.state_dict()
    assert {'encoder.running.moments.mean', 'reward_scale.moments.var', 'reward_scale.carried'} < set(saved)


def test_a_rollout_is_seen_as_it_was_acted_on(tmp_path):
    """Step by step while acting, whole in learning, across episodes and rollouts: the same probabilities."""
    torch.manual_seed(0)
    environment = Environment(Recall(seed=1))
    agent = make(PPOAgent, Recall.spec, trunk_dim=8, hidden_dim=16, target_tau=1, memory='LSTM')
    for parameter in agent.creator.actor.parameters():
        torch.nn.init.normal_(parameter)
    memory = Rollout(Recall.spec, tmp_path / 'rollout', num_envs=8, capacity=400)
    acted, policy = [], agent.creator.policy
    agent.creator.policy = lambda features, noise=0.0: acted.append(policy(features)) or acted[-1]
    for steps in (4, 7):  # an episode has 3 steps, so rollouts begin in the middle of one
        acted.clear()
        for _ in range(steps):
            environment.rollout(agent, memory)
            agent.act(np.zeros((2, 3), np.float32), explore=False, first=np.ones(2, bool))  # an evaluation in between
        taken = torch.stack([step.log_probs for step in acted[::2]], 1)  # [N, T, A]
        rollout = agent.appraise(agent.receive(memory.collect()))
        log_prob = taken.gather(2, rollout.action.unsqueeze(2)).squeeze(2)
        torch.testing.assert_close(rollout.log_prob, log_prob, rtol=1e-4, atol=1e-5)


def test_sequences_stay_whole_in_minibatches(tmp_path):
    agent = make(PPOAgent, Recall.spec, trunk_dim=8, hidden_dim=16, target_tau=1, memory='LSTM', epochs=1)
    memory, environment = Rollout(Recall.spec, tmp_path / 'r', 8, 400, batch_size=12), Environment(Recall(seed=1))
    for _ in range(6):
        environment.rollout(agent, memory)
    batches = list(agent.batches(memory))
    assert [tuple(batch.reward.shape) for batch in batches] == [(2, 6)] * 4
    assert all(batch.first[:, 0].all() and batch.first[:, 3].all() for batch in batches)  # episodes of 3 steps
