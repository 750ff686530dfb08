"""Casts: each kind of task as experience. What is observed, what is done, and what is that worth?

| domain   | obs          | action                      | reward                                  | discount |
|----------|--------------|-----------------------------|-----------------------------------------|----------|
| control  | features     | what was done               | what the environment gave over n steps  | 0 after a terminal |
| classify | features     | the prediction, as logits   | minus its error                         | 0        |
| generate | latent noise | the image, in [-1, 1]       | 1 for the data's, 0 for the agent's own | 0        |
"""

import torch

from Agents.Losses.Supervised import known, negative_log_likelihood
from Blocks.Distributions import Prediction


def observe(batch, agent):
    """What happened, as it was: control, and labels alone (`RL=false`)."""
    return batch._replace(obs=agent.creator.encoder(batch.obs))


def observe_counted(batch, agent):
    """The same; what was observed counts in the encoder's running moments first."""
    agent.creator.encoder.update(batch.obs)
    return observe(batch, agent)


def recall(batch, agent):
    """What happened in sequences [n, L] of steps, each seen in the light of those before it -> [n * L]."""
    features = agent.creator.encoder(batch.obs.flatten(0, 1)).unflatten(0, batch.first.shape)
    states = agent.creator.memory(features, batch.carry, batch.first)
    steps = batch._replace(obs=states[:, :, 0], carry=None)
    return type(batch)(*(None if field is None else field.flatten(0, 1) for field in steps))


def classify(batch, agent):
    """The agent's own prediction, explored, is worth minus its error; without a label nobody knows, so it counts 0."""
    features = agent.creator.encoder(batch.obs)
    prediction = agent.creator.policy(features, agent.noise).sample()
    reward = -negative_log_likelihood(Prediction(prediction), batch.label)
    return batch._replace(obs=features, action=prediction, reward=reward, discount=torch.zeros_like(reward),
                          next_obs=None, weight=known(batch.label))  # fmt: skip


def generate(batch, agent):
    """Half the images are the data's, half the agent's own; the critic is to tell them apart (arXiv:1406.2661)."""
    real = batch.obs / 127.5 - 1
    label = None if batch.label is None else batch.label.repeat(2)
    obs = agent.domain.imagine(2 * len(real), label)
    with torch.no_grad():
        created = agent.creator.policy(obs[len(real) :]).sample()
    reward = torch.cat([torch.ones(len(real)), torch.zeros(len(real))]).to(real.device)
    return batch._replace(
        obs=obs, action=torch.cat([real, created]), reward=reward, discount=torch.zeros_like(reward), next_obs=None
    )
