"""Networks that judge created images: a classifier that this program trained, or Inception (arXiv:1512.00567)."""

import functools
import hashlib

import numpy as np
import torch
from torch.nn import functional as F

from Blocks.Architectures import Torchvision
from Logging.Saving.SavedParts import find, rebuild
from Support.Errors import UserError

INCEPTION = 'inception'  # features=inception


def judge(features, obs_shape, device='cpu'):
    """What `features=` names, for images of `obs_shape`: made once, since every evaluation of a run asks for it.

    Raises UserError as Recogniser and Inception do."""
    changed = None if features == INCEPTION else find(features).stat().st_mtime_ns
    return _judge(features, changed, tuple(obs_shape), str(device))


@functools.lru_cache(maxsize=1)
def _judge(features, changed, obs_shape, device):
    return (Inception(obs_shape) if features == INCEPTION else Recogniser(features, obs_shape)).to(device)


class Judge:
    """A `network` that sees images in parts of `size`: `see`, uint8 [B, C, H, W] on its device -> [B, D]."""

    size = 500

    def __init__(self, network):
        self.network, self.known = network.eval().requires_grad_(False), None  # known: digest of images, features

    def to(self, device):
        self.network.to(device)
        return self

    @torch.no_grad()
    def features(self, images):
        """uint8 [N, C, H, W] -> float32 [N, D]"""
        device = next(self.network.parameters()).device
        seen = [self.see(torch.as_tensor(part, device=device)).flatten(1) for part in parts(images, self.size)]
        return torch.cat(seen).float().cpu().numpy()

    def features_of_data(self, images):
        """The same, of images that come again at every evaluation and need be seen but once."""
        digest = hashlib.sha256(np.ascontiguousarray(images)).digest()
        if self.known is None or self.known[0] != digest:
            self.known = digest, self.features(images)
        return self.known[1]


class Recogniser(Judge):
    """The agent saved at `path` (<folder>/agent.safetensors, by task=classify/<data set> with save=true), which names
    images too. What it sees is what its predictions are made of, behind the actor's trunk.

    Raises UserError if there is none, or if it does not take images of `obs_shape` (None: any).
    """

    def __init__(self, path, obs_shape=None):
        self.agent = rebuild(find(path))
        spec = self.agent.spec
        if spec.label_kind != 'class' or (obs_shape and tuple(spec.obs_shape) != tuple(obs_shape)):
            raise UserError(
                f'The agent at {path} classifies no images of shape {tuple(obs_shape or ())}: one of the same data set'
            )
        super().__init__(self.agent)

    def name(self, images):
        """uint8 [N, C, H, W] -> confidence [N] in 0..1 and class [N]."""
        logits = np.concatenate([self.agent.act(part, explore=False) for part in parts(images, self.size)])
        confidence, label = torch.from_numpy(logits).softmax(-1).max(-1)
        return confidence.numpy(), label.numpy()

    def told(self, images, labels):
        """The share of images that it names with a confidence above 0.9, of the rarest and the most frequent class, and
        where they were to be of the classes 0, 1, ... in turn (`labels` of them), how often it agrees."""
        confidence, label = self.name(images)
        shares = np.bincount(label, minlength=self.agent.spec.num_actions) / len(label)
        logs = {'recognised': (confidence > 0.9).mean(), 'rarest': shares.min(), 'commonest': shares.max()}
        if labels:
            logs['agreement'] = (label == np.arange(len(label)) % labels).mean()
        return {name: float(value) for name, value in logs.items()}

    def see(self, images):
        creator = self.agent.average or self.agent.creator
        return creator.actor.trunk(creator.encoder(images))


class Inception(Judge):
    """Torchvision's Inception v3 with its weights for ImageNet, up to the 2048 features before the classes.

    Raises UserError if the weights are not there, with what to put where.
    """

    size, side = 50, 299  # images at once; pixels that it was made for

    def __init__(self, obs_shape):
        network, _ = Torchvision.make('inception_v3', obs_shape[0], None, pretrained=True, init_weights=False)
        super().__init__(network)

    def told(self, images, labels):
        """Nothing: its classes are other ones."""
        return {}

    def see(self, images):
        resized = F.interpolate(images.float(), (self.side, self.side), mode='bilinear', antialias=True)
        return self.network(resized / 127.5 - 1)  # as the weights want it


def parts(images, size):
    return [images[start : start + size] for start in range(0, len(images), size)]
