"""Networks that judge generated images: a classifier trained by this program, or Inception (arXiv:1512.00567)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch.nn import functional as F

from Blocks.Architectures import Torchvision
from Logging.Saving.SavedParts import find, rebuild
from Support.Errors import UserError

INCEPTION = 'inception'  # features=inception
Images = TypeVar('Images', np.ndarray, torch.Tensor)


def judge(features: str, obs_shape: Sequence[int], device: torch.device | str = 'cpu') -> Judge:
    """Returns the judge that `features=` names, for images of `obs_shape`; built once for all evaluations of a run.

    Raises UserError as Recognizer and Inception do.
    """
    changed = None if features == INCEPTION else find(features).stat().st_mtime_ns
    return _judge(features, changed, tuple(obs_shape), str(device))


@functools.lru_cache(maxsize=1)
def _judge(features: str, changed: int | None, obs_shape: tuple[int, ...], device: str) -> Judge:
    return (Inception(obs_shape) if features == INCEPTION else Recognizer(features, obs_shape)).to(device)


class Judge:
    """Features of images by a network, frozen. A subclass implements `see` and `recognition`."""

    size = 500  # images at once

    def __init__(self, network: torch.nn.Module) -> None:
        self.network = network.eval().requires_grad_(False)
        self.known: tuple[bytes, np.ndarray] | None = None  # (digest of images, their features)

    def to(self, device: torch.device | str) -> Judge:
        self.network.to(device)
        return self

    def see(self, images: torch.Tensor) -> torch.Tensor:
        """Returns features [B, D] of images uint8 [B, C, H, W] on the network's device."""
        raise NotImplementedError

    def recognition(self, images: np.ndarray, labels: int) -> dict[str, float]:
        """Returns further numbers about generated images, by name."""
        return {}

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        """Returns features float32 [N, D] of images uint8 [N, C, H, W]."""
        device = next(self.network.parameters()).device
        seen = [self.see(torch.as_tensor(part, device=device)).flatten(1) for part in parts(images, self.size)]
        return torch.cat(seen).float().cpu().numpy()

    def features_of_data(self, images: np.ndarray) -> np.ndarray:
        """Returns the same for images that every evaluation asks for again: they are computed once."""
        digest = hashlib.sha256(np.ascontiguousarray(images).data).digest()
        if self.known is None or self.known[0] != digest:
            self.known = digest, self.features(images)
        return self.known[1]


class Recognizer(Judge):
    """A classifier saved at `path` (<folder>/agent.safetensors, by task=classify/<data set>), which also names images.

    Its features are the outputs of the actor's trunk, from which it predicts. Raises UserError if there is no such
    agent, or it does not classify images of `obs_shape` (None: of any shape).
    """

    def __init__(self, path: Path | str, obs_shape: Sequence[int] | None = None) -> None:
        self.agent = rebuild(find(path))
        spec = self.agent.spec
        if spec.label_kind != 'class' or (obs_shape and tuple(spec.obs_shape) != tuple(obs_shape)):
            raise UserError(
                f'The agent at {path} classifies no images of shape {tuple(obs_shape or ())}: one of the same data set'
            )
        super().__init__(self.agent)

    def name(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns confidence [N] in 0..1 and class int64 [N] of images uint8 [N, C, H, W]."""
        logits = np.concatenate([self.agent.act(part, explore=False) for part in parts(images, self.size)])
        confidence, label = torch.from_numpy(logits).softmax(-1).max(-1)
        return confidence.numpy(), label.numpy()

    def recognition(self, images: np.ndarray, labels: int) -> dict[str, float]:
        """Returns the share of images recognized with a confidence above 0.9, and the shares of the rarest and the most
        frequent class. If the images were to be of the classes 0, 1, ..., labels - 1 in turn, also how often it agrees.
        """
        confidence, label = self.name(images)
        shares = np.bincount(label, minlength=self.agent.spec.num_actions or 0) / len(label)
        logs = {'recognised': (confidence > 0.9).mean(), 'rarest': shares.min(), 'commonest': shares.max()}
        if labels:
            logs['agreement'] = (label == np.arange(len(label)) % labels).mean()
        return {name: float(value) for name, value in logs.items()}

    def see(self, images: torch.Tensor) -> torch.Tensor:
        creator = self.agent.average or self.agent.creator
        return creator.actor.trunk(creator.encoder(images))


class Inception(Judge):
    """Torchvision's Inception v3, pretrained on ImageNet, up to the 2048 features before the classes.

    Raises UserError if the weights cannot be found, and says where to put them.
    """

    size, side = 50, 299  # images at once; their height and width in pixels

    def __init__(self, obs_shape: Sequence[int]) -> None:
        network, _ = Torchvision.make('inception_v3', obs_shape[0], None, pretrained=True, init_weights=False)
        super().__init__(network)

    def see(self, images: torch.Tensor) -> torch.Tensor:
        resized = F.interpolate(images.float(), (self.side, self.side), mode='bilinear', antialias=True)
        return self.network(resized / 127.5 - 1)  # the range of the weights' training data


def parts(images: Images, size: int) -> list[Images]:
    return [images[start : start + size] for start in range(0, len(images), size)]
