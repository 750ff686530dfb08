"""Casts: each kind of task as experience: an observation, an action, its reward and the discount of what follows.

| domain   | obs          | action                      | reward                                  | discount |
|----------|--------------|-----------------------------|-----------------------------------------|----------|
| control  | features     | the action taken            | the environment's, over n steps         | 0 after a terminal |
| classify | features     | the prediction, as logits   | minus its error                         | 0        |
| generate | latent noise | the image, in [-1, 1]       | 1 for the data's, 0 for the agent's own | 0        |

A cast is a function (batch, agent) -> batch.
"""

from typing import Any

import torch

from Agents.Losses.Supervised import known, negative_log_likelihood
from Blocks.Distributions import Prediction
from Datasets.Experience import Experience


def observe(batch: Experience, agent: Any) -> Experience:
    """Encodes observations and keeps all else: control, and labels alone (`RL=false`)."""
    return batch._replace(obs=agent.creator.encoder(batch.obs))


def observe_counted(batch: Experience, agent: Any) -> Experience:
    """Adds the observations to the encoder's running moments, then encodes them."""
    agent.creator.encoder.update(batch.obs)
    return observe(batch, agent)


def recall(batch: Experience, agent: Any) -> Experience:
    """Encodes sequences [n, L] of steps and passes them through the memory -> [n * L]."""
    features = agent.creator.encoder(batch.obs.flatten(0, 1)).unflatten(0, batch.first.shape)
    states = agent.creator.memory(features, batch.carry, batch.first)
    steps = batch._replace(obs=states[:, :, 0], carry=None)
    return type(batch)(*(None if field is None else field.flatten(0, 1) for field in steps))


def classify(batch: Experience, agent: Any) -> Experience:
    """Rewards the agent's own prediction, explored, with minus its error. Samples without a label have weight 0."""
    features = agent.creator.encoder(batch.obs)
    prediction = agent.creator.policy(features, agent.noise).sample()
    reward = -negative_log_likelihood(Prediction(prediction), batch.label)
    return batch._replace(obs=features, action=prediction, reward=reward, discount=torch.zeros_like(reward),
                          next_obs=None, weight=known(batch.label))  # fmt: skip


def generate(batch: Experience, agent: Any) -> Experience:
    """Joins the data's images with as many of the agent's own, for the critic to tell apart (arXiv:1406.2661)."""
    real = batch.obs / 127.5 - 1
    label = None if batch.label is None else batch.label.repeat(2)
    obs = agent.domain.imagine(2 * len(real), label)
    with torch.no_grad():
        created = agent.creator.policy(obs[len(real) :]).sample()
    reward = torch.cat([torch.ones(len(real)), torch.zeros(len(real))]).to(real.device)
    return batch._replace(
        obs=obs, action=torch.cat([real, created]), reward=reward, discount=torch.zeros_like(reward), next_obs=None
    )
