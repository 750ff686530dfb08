"""The networks of torchvision.models: `Eyes=torchvision.models.convnext_tiny` is `Torchvision.convnext_tiny` here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from Blocks.Architectures.Backbone import Backbone
from Support.Errors import UserError, hint, one_line


def __getattr__(name: str) -> partial[Backbone]:
    if name not in __dir__():
        raise AttributeError(name)
    return partial(Backbone, make=partial(make, name))


def __dir__() -> list[str]:
    from torchvision import models

    return models.list_models(module=models)


def make(
    name: str, channels: int, classes: int | None, pretrained: bool | str, **options: Any
) -> tuple[nn.Module, int]:
    """Returns the network, and 224, the side in pixels of the images that all of them accept.

    Args:
        classes: None for a network without a classifier.
        pretrained: True, or the name of the weights.
    """
    from torchvision import models

    net = models.get_model(name, weights=None, **options)
    if pretrained:
        net.load_state_dict(weights(name, pretrained))
    if hasattr(net, 'aux_logits'):  # auxiliary classifiers of GoogLeNet and Inception
        net.aux_logits = net.aux1 = net.aux2 = net.AuxLogits = None
    convolution = next(key for key, layer in net.named_modules() if isinstance(layer, nn.Conv2d))
    if channels != 3:
        replace(net, convolution, lambda layer: with_channels(layer, channels, bool(pretrained)))
    *_, classifier = (key for key, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    replace(net, classifier, lambda layer: nn.Identity() if classes is None else with_classes(layer, classes))
    return net, 224


def replace(net: nn.Module, key: str, change: Callable[[Any], nn.Module]) -> None:
    """Replaces the layer named `key` by change(layer)."""
    parent, _, name = key.rpartition('.')
    owner = net.get_submodule(parent)
    setattr(owner, name, change(getattr(owner, name)))


def with_channels(layer: nn.Conv2d, channels: int, pretrained: bool) -> nn.Conv2d:
    """Returns a first convolution for another number of channels, with outputs of the same scale.

    Pretrained weights are used for the colors of each frame, or averaged over colors if the channels are none.
    """
    fresh = like(layer, in_channels=channels)
    with torch.no_grad():
        if pretrained:
            seen = layer.weight if channels % 3 == 0 else layer.weight.mean(1, keepdim=True)
            fresh.weight.copy_(seen.repeat(1, channels // seen.shape[1], 1, 1) * 3 / channels)
        else:
            fresh.weight.normal_(0, float(layer.weight.std() * (3 / channels) ** 0.5))
        if fresh.bias is not None and layer.bias is not None:
            fresh.bias.copy_(layer.bias)
    return fresh


def with_classes(layer: nn.Linear | nn.Conv2d, classes: int) -> nn.Module:
    """Returns a new last layer for another number of classes."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, classes)
    return like(layer, out_channels=classes)


def like(layer: nn.Conv2d, **changes: int) -> nn.Conv2d:
    """Returns a new convolution with the same arguments but for these changes."""
    same = ('in_channels', 'out_channels', 'kernel_size', 'stride', 'padding', 'dilation')
    return nn.Conv2d(**{name: getattr(layer, name) for name in same} | changes, bias=layer.bias is not None)


def weights(name: str, pretrained: bool | str) -> dict[str, Tensor]:
    """Returns the state dict of pretrained weights, from the cache or by download.

    Raises UserError if there are no weights of this name, or if they cannot be downloaded.
    """
    from torchvision import models

    there = models.get_model_weights(name)
    if pretrained is not True and pretrained not in there.__members__:
        known = [entry.name for entry in there]
        near = hint(str(pretrained), known)
        raise UserError(f"No weights '{pretrained}' of {name}.{near} All: true, {', '.join(known)}.")
    chosen = there.DEFAULT if pretrained is True else there[pretrained]
    try:
        return chosen.get_state_dict(check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir(), 'checkpoints')
        raise UserError(f'No weights of {name} ({one_line(error)}): put {chosen.url} into {folder}') from error
