"""Critics: actions that were done, proposals, images."""

import torch

from Blocks.Actors import Proposals
from Blocks.Critics import Critic

IMAGE, FLAT, ACTIONS = (3, 20, 20), (12,), 5


def test_critic_gathers_the_action_that_was_done():
    critic = Critic(FLAT, (), ACTIONS, ensemble=3, hidden_dim=16)
    features, action = torch.randn(4, *FLAT), torch.tensor([0, 4, 2, 2])
    q = critic(features)
    assert q.shape == (3, 4, ACTIONS)
    torch.testing.assert_close(critic(features, action), q[:, range(4), action])
    assert not torch.equal(q[0], q[1])  # heads begin apart


def test_critic_scores_proposals_as_it_scores_them_one_by_one():
    critic = Critic(FLAT, (2,), ensemble=2, hidden_dim=16)
    features, proposals = torch.randn(3, *FLAT), Proposals(6, (2,))(torch.zeros(3, 1))
    assert proposals.shape == (3, 6, 2) and proposals.abs().max() <= 1
    q = critic(features, proposals)
    assert q.shape == (2, 3, 6)
    for i in range(6):
        torch.testing.assert_close(q[..., i], critic(features, proposals[:, i]))


def test_critic_of_images_ignores_the_latent():
    critic = Critic(FLAT, IMAGE)
    critic.eval()
    picture = 2 * torch.rand(3, *IMAGE) - 1
    assert torch.equal(critic(torch.randn(3, *FLAT), picture), critic(None, picture))


def test_q_is_the_mean_of_its_distribution():
    critic = Critic(FLAT, (), ACTIONS, ensemble=2, atoms=3, support=(-1.0, 2.0), hidden_dim=16)
    features, action = torch.randn(4, *FLAT), torch.tensor([0, 4, 2, 2])
    logits = critic.scores(features)
    assert logits.shape == (2, 4, ACTIONS, 3) and critic.values.tolist() == [-1, 0.5, 2]
    probs = logits.softmax(-1)
    torch.testing.assert_close(critic(features), -probs[..., 0] + 0.5 * probs[..., 1] + 2 * probs[..., 2])
    torch.testing.assert_close(critic.scores(features, action), logits[:, range(4), action])


def test_without_actions_the_state_is_scored():
    critic = Critic(FLAT, None, ensemble=2, hidden_dim=16)
    assert critic(torch.randn(4, *FLAT)).shape == (2, 4)


def test_a_condition_joins_the_image_as_constant_channels():
    seen = []

    class Head(torch.nn.Module):
        def forward(self, image):
            seen.append(image)
            return image.mean((1, 2, 3)).unsqueeze(1)

    critic, image = Critic((6,), IMAGE, q_head=Head, condition=2), torch.rand(3, *IMAGE)
    features = torch.randn(3, 6)
    assert critic(features, image).shape == (1, 3)
    assert torch.equal(seen[-1][:, :3], image)
    assert torch.equal(seen[-1][:, 3:], features[:, 4:, None, None].expand(-1, -1, 20, 20))
