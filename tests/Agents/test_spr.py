"""Self-prediction: its loss is least when what is foreseen is what comes, and it stays within the episode."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

import Run
import Utils
from Agents import SPRAgent
from Datasets.Experience import Experience, Future, Spec
from Datasets.Replay.Replay import Replay
from Hyperparams.Compose import compose
from Hyperparams.Launch import launch
from tests.make import make

SPEC = Spec((2,), 'float32', (), 2)


class Walk(nn.Module):
    """Action 1 adds 1 to the first feature, action 0 to the second: dynamics that are known."""

    def forward(self, features, action):
        return features + torch.stack([action, 1 - action], 1)


def agent_of_known_dynamics(sign=1.0):
    agent = make(SPRAgent, SPEC, spr_weight=5.0, projection_dim=2, trunk_dim=4, hidden_dim=4, target_tau=1)
    agent.creator.dynamics = Walk()
    agent.creator.projector = nn.Flatten()
    agent.creator.predictor = nn.Linear(2, 2, bias=False)
    agent.creator.predictor.weight.data = sign * torch.eye(2)
    return agent


def batch(obs, valid):
    future = Future(torch.tensor([obs]), torch.tensor([[1, 0]]), torch.zeros(1, 2), torch.tensor([valid]))
    return Experience(obs=torch.tensor([[1.0, 1.0]]), future=future)


@pytest.mark.parametrize(
    ('sign', 'second', 'valid', 'loss'),
    [
        (1.0, [2.0, 2.0], [True, True], 0.0),  # what comes is what was foreseen: the minimum
        (-1.0, [2.0, 2.0], [True, True], 5 * 4.0),  # its opposite: the maximum
        (1.0, [2.0, -2.0], [True, True], 5 * (0 + 2) / 2),  # one right, one at a right angle
        (1.0, [2.0, -2.0], [True, False], 0.0),  # beyond the episode nothing counts
    ],
)
def test_self_prediction_by_hand(sign, second, valid, loss):
    agent = agent_of_known_dynamics(sign)
    assert agent.self_prediction_loss(batch([[2.0, 1.0], second], valid)).item() == pytest.approx(loss, abs=1e-5)


def test_descending_the_loss_brings_the_prediction_nearer():
    torch.manual_seed(0)
    agent = make(SPRAgent, SPEC, projection_dim=8, trunk_dim=4, hidden_dim=16)
    parameters = [p for name in ('dynamics', 'predictor') for p in getattr(agent.creator, name).parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-2)
    experience = batch([[2.0, 1.0], [2.0, 2.0]], [True, True])
    losses = []
    for _ in range(50):
        loss = agent.self_prediction_loss(experience)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_no_gradient_flows_into_what_is_seen():
    agent = make(SPRAgent, SPEC, projection_dim=8, trunk_dim=4, hidden_dim=16, target_tau=1)
    future = Future(torch.randn(3, 2, 2).requires_grad_(), torch.ones(3, 2).long(), None, torch.ones(3, 2).bool())
    agent.self_prediction_loss(SimpleNamespace(obs=torch.randn(3, 2), future=future)).backward()
    assert future.obs.grad is None


def test_features_keep_their_places_and_scale():
    agent = make(SPRAgent, Spec((1, 84, 84), 'uint8', (), 3))
    shape = agent.creator.encoder.repr_shape
    assert len(shape) == 3
    features = agent.creator.encoder(torch.randint(256, (5, 1, 84, 84)))
    foreseen = agent.creator.dynamics(features, torch.tensor([0, 1, 2, 0, 1]))
    for x in (features, foreseen):
        assert x.shape == (5, *shape)
        assert x.flatten(1).amin(1).tolist() == [0] * 5 and x.flatten(1).amax(1).tolist() == pytest.approx(
            [1] * 5, abs=1e-2
        )


def test_images_of_the_future_are_shifted_each_on_its_own():
    from Blocks.Augmentations import RandomShifts

    agent = make(SPRAgent, Spec((1, 84, 84), 'uint8', (), 3), {'aug': RandomShifts})
    image = torch.from_numpy(np.random.default_rng(0).integers(256, size=(1, 84, 84), dtype=np.uint8))
    future = Future(image.expand(4, 3, 1, 84, 84), None, None, None)
    seen = agent.perceive(Experience(obs=image.expand(4, 1, 84, 84), future=future)).future.obs
    assert seen.shape == (4, 3, 1, 84, 84) and seen.dtype == torch.uint8
    assert len({picture.numpy().tobytes() for picture in seen.flatten(0, 1)}) > 6


def test_a_reset_renews_the_heads_and_half_of_the_encoder():
    agent = make(
        SPRAgent, Spec((1, 84, 84), 'uint8', (), 3), projection_dim=8, hidden_dim=16, reset_period=10, ema=True
    )
    agent.optimization.optimizer.step = lambda: None
    before = {name: tensor.clone() for name, tensor in agent.creator.named_parameters()}
    for parameter in agent.creator.parameters():
        agent.optimization.optimizer.state[parameter] = {'step': torch.ones(())}
    fresh = []
    reinforce = agent.reinforce
    agent.reinforce = lambda: fresh.append(reinforce()) or fresh[0]
    for _ in range(9):
        agent.follow()
    assert not fresh and all(torch.equal(tensor, before[name]) for name, tensor in agent.creator.named_parameters())
    agent.follow()
    new = dict(fresh[0][0].named_parameters())
    for creator in (agent.creator, agent.target, agent.average):  # what acts, with ema=true, is renewed as well
        for name, tensor in creator.named_parameters():
            keep = 0.5 if name.split('.')[0] in ('encoder', 'dynamics') else 0.0
            torch.testing.assert_close(tensor, keep * before[name] + (1 - keep) * new[name])
    forgotten = {
        name for name, tensor in agent.creator.named_parameters() if tensor not in agent.optimization.optimizer.state
    }
    assert {name.split('.')[0] for name in forgotten} == {'critic', 'projector', 'predictor'}
    agent.act(np.zeros((1, 1, 84, 84), np.uint8))  # and it goes on


# SR-SPR and BBF


def test_bbf_anneals_n_and_discount_after_each_reset():
    """10 to 3 and 0.97 to 0.997 in 10,000 updates of 40,000 (arXiv:2305.19452, section 4), the middle by hand."""
    config = compose(['recipe=bbf'])
    replay = OmegaConf.to_container(config, resolve=True)['replay']
    assert config.agent.reset_period == 40_000
    for update, n, discount in ((0, 10, 0.97), (5_000, 30**0.5, 1 - (0.03 * 0.003) ** 0.5), (10_000, 3, 0.997)):
        for cycle in (0, 40_000, 120_000):
            assert Utils.schedule(replay['nstep'], cycle + update) == pytest.approx(n)
            assert Utils.schedule(replay['discount'], cycle + update) == pytest.approx(discount)
    assert Utils.schedule(replay['nstep'], 39_999) == 3


SMALL = """mini=true seed_steps=22 explore_steps=22 batch_size=4 suite.max_frames=80 evaluate_per_steps=0 threads=1
           tensorboard=false video=false plotting.plot_experiments=false save=false agent.reset_period=8
           agent.projection_dim=16 recipes.critic.trunk.hidden_dim=16"""
BBF = """recipe=bbf train_steps=31 recipes.encoder.eyes.width=1 nstep=cycle(8,exponential(10,3,4))
         discount=cycle(8,exponential(0.97,0.997,4,1))"""


@pytest.mark.parametrize('words', ['recipe=sr_spr train_steps=24', BBF], ids=['SR-SPR', 'BBF'])
def test_the_published_forms_run(words, tmp_path, monkeypatch):
    """Narrow, 40,000 updates shortened to 8 and 10,000 to 4: after each reset n and discount are those of the start."""
    events, sample, reset = [], Replay.sample, SPRAgent.reset

    def watched_sample(replay, *args):
        events.append((replay.nstep, replay.discount))
        return sample(replay, *args)

    def watched_reset(agent):
        events.append('reset')
        reset(agent)

    monkeypatch.setattr(Replay, 'sample', watched_sample)
    monkeypatch.setattr(SPRAgent, 'reset', watched_reset)
    assert launch(Run.main, [*words.split(), *SMALL.split(), f'root={tmp_path}']) == 0
    first, between = events.index('reset'), events[9:17]
    assert first == 8 and events[17] == 'reset' and between == events[:8]
    if words is BBF:
        assert [n for n, _ in between] == [10, 7, 5, 4, 3, 3, 3, 3]  # 10 * 0.3^(k / 4)
        assert [discount for _, discount in between[:5]] == pytest.approx([1 - 0.03 * 0.1 ** (k / 4) for k in range(5)])
    else:
        assert set(between) == {(10, 0.99)}
