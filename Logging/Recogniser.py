"""A saved classifier as a judge of images: what it sees in them, and how surely."""

import numpy as np
import torch

import Utils
from Agents.Transfer import find, rebuild


class Recogniser:
    """The agent saved at `path` (<folder>/agent.safetensors, by task=classify/<data set> with save=true).

    Raises UserError if there is none, or if it does not take images of `obs_shape` (None: any).
    """

    def __init__(self, path, obs_shape=None):
        self.agent = rebuild(find(path))
        spec = self.agent.spec
        if spec.kind != 'classify' or (obs_shape and tuple(spec.obs_shape) != tuple(obs_shape)):
            raise Utils.UserError(
                f'The agent at {path} classifies no images of shape {tuple(obs_shape or ())}: one of the same data set'
            )
        self.agent.eval()

    def name(self, images):
        """uint8 [N, C, H, W] -> confidence [N] in 0..1 and class [N]."""
        logits = np.concatenate([self.agent.act(part, explore=False) for part in parts(images)])
        confidence, label = torch.from_numpy(logits).softmax(-1).max(-1)
        return confidence.numpy(), label.numpy()

    @torch.no_grad()
    def features(self, images):
        """uint8 [N, C, H, W] -> float32 [N, D]: what its predictions are made of, behind the actor's trunk."""
        creator = self.agent.average or self.agent.creator
        seen = [creator.actor.trunk(creator.encoder(torch.as_tensor(part))).flatten(1) for part in parts(images)]
        return torch.cat(seen).float().numpy()


def parts(images, size=500):
    return [images[start : start + size] for start in range(0, len(images), size)]
