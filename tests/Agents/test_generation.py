"""Creation of images: every game, its penalties, labels and augmentation."""

import pytest
import torch
from torch import nn

import Utils
from Agents import DQNAgent
from Agents.Losses.Adversarial import GAMES
from Datasets.Experience import Experience, Spec
from tests.make import make

SPEC = Spec((1, 8, 8), 'uint8', (3,), 3, kind='classify')


class Memory:
    """The same batch again and again."""

    prioritized = False

    def __init__(self, count=6):
        obs = torch.randint(256, (count, 1, 8, 8), dtype=torch.uint8)
        self.batch = Experience(obs=obs, label=torch.arange(count) % 3)

    def batches(self):
        yield self.batch


def build(spec=SPEC, **gan):
    torch.manual_seed(0)
    return make(DQNAgent, spec, generate=True, latent_dim=4, gan=gan)


def learn(agent):
    before = {name: tensor.clone() for name, tensor in agent.creator.named_parameters()}
    agent.learn(Memory())
    return {name.split('.')[0] for name, tensor in agent.creator.named_parameters() if (tensor != before[name]).all()}


@pytest.mark.parametrize('loss', GAMES)
@pytest.mark.parametrize('rest', [{}, {'r1': 1.0, 'r2': 1.0, 'slope': 10.0, 'augment': ['color', 'shift', 'cut']}])
def test_every_game_moves_both_players(loss, rest):
    agent = build(loss=loss, **rest)
    assert learn(agent) == {'actor', 'critic'}
    assert all(value.isfinite().all() for value in agent.logs.values())


@pytest.mark.parametrize('name', ['r1', 'r2', 'slope'])
def test_each_penalty_adds_what_it_is(name):
    """The loss is linear in the penalty's weight, and R1 and R2 are halved."""
    losses = []
    for weight in (0.0, 1.0, 3.0):
        agent = build(**{name: weight})
        batch = agent.cast(agent.perceive(next(Memory().batches())), agent)
        torch.manual_seed(1)
        losses.append(agent.domain.judgement_loss(batch).item())
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3)
    assert losses[1] > losses[0]


def test_the_actor_waits_for_several_updates_of_the_critic():
    agent = build(critic_steps=3)
    assert [learn(agent) for _ in range(4)] == [{'actor', 'critic'}, {'critic'}, {'critic'}, {'actor', 'critic'}]


def test_labels_are_observed_by_both():
    agent = build(conditional=True)
    assert learn(agent) == {'actor', 'critic'}
    obs = agent.domain.imagine(3, torch.tensor([0, 2, 1]))
    assert obs.shape == (3, 4 + 3) and obs[:, 4:].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    agent.eval()
    same = obs[:1].repeat(3, 1)
    same[:, 4:] = torch.eye(3)  # one noise, three labels
    images = agent.creator.policy(same).mode()
    assert (images[0] != images[1]).any() and (images[1] != images[2]).any()
    scores = agent.creator.critic(same, images[:1].expand(3, -1, -1, -1))[0]  # one image under three labels
    assert len(set(scores.tolist())) == 3
    assert agent.domain.create(7).shape == (7, 1, 8, 8)


def test_real_and_created_images_come_under_the_same_labels():
    agent = build(conditional=True)
    batch = agent.cast(agent.perceive(next(Memory().batches())), agent)
    assert batch.obs[:, 4:].argmax(1).tolist() == [0, 1, 2, 0, 1, 2] * 2


def test_the_critic_chooses_among_proposals_of_the_asked_label():
    """Here an image is worth its brightness under label 1, and minus that under the others."""

    class Brightness(nn.Module):
        def forward(self, obs, image):
            sign = torch.where(obs[:, 4:].argmax(1) == 1, 1.0, -1.0)
            return (sign * image.mean((1, 2, 3))).unsqueeze(0)

    one, many = build(conditional=True, proposals=1), build(conditional=True, proposals=50)
    for agent in (one, many):
        agent.creator.critic = Brightness()
    mean = [agent.domain.create(60).float().mean((1, 2, 3)).view(20, 3).mean(0) for agent in (one, many)]
    assert mean[1][1] > mean[0][1] and mean[1][0] < mean[0][0] and mean[1][2] < mean[0][2]


@pytest.mark.parametrize('conditional', [False, True])
def test_morphs_go_from_one_noise_to_another(conditional):
    agent = build(conditional=conditional)
    seen = []
    agent.domain.paint = lambda obs: (seen.append(obs), None)
    agent.domain.morph(3, columns=5)
    latent = seen[0][:, :4].view(3, 5, 4)
    assert (latent[:, 0] != latent[:, -1]).any()
    middle = (latent[:, 0] + latent[:, -1]) / (2 * torch.cos(angle(latent[:, 0], latent[:, -1]) / 2))
    torch.testing.assert_close(latent[:, 2], middle)
    if conditional:
        assert seen[0][:, 4:].argmax(1).tolist() == [0] * 5 + [1] * 5 + [2] * 5


def angle(x, y):
    return torch.acos(nn.functional.cosine_similarity(x, y, -1)).unsqueeze(-1)


def test_labels_that_are_not_there():
    with pytest.raises(Utils.UserError, match='labels'):
        build(Spec((1, 8, 8), 'uint8', (), 3), conditional=True)


@pytest.mark.parametrize(('gan', 'near'), [({'loss': 'hing'}, 'hinge'), ({'augment': ['colour']}, 'color')])
def test_what_is_misspelt_is_named(gan, near):
    with pytest.raises(Utils.UserError, match=near):
        build(**gan)


def test_an_image_block_as_discriminator_with_labels():
    agent = make(DQNAgent, SPEC, {'critic': {'q_head': lambda input_shape, output_shape: nn.Sequential(
        nn.Flatten(), nn.Linear(4 * 64, 1))}}, generate=True, latent_dim=4, gan={'conditional': True})  # fmt: skip
    assert learn(agent) == {'actor', 'critic'}
