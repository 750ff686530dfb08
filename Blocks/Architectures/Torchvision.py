"""The networks of torchvision.models: `Eyes=torchvision.models.convnext_tiny` is `Torchvision.convnext_tiny` here."""

from functools import partial
from pathlib import Path

import torch
from torch import nn

from Blocks.Architectures.Backbone import Backbone
from Support.Errors import UserError, hint, one_line


def __getattr__(name):
    if name not in __dir__():
        raise AttributeError(name)
    return partial(Backbone, make=partial(make, name))


def __dir__():
    from torchvision import models

    return models.list_models(module=models)


def make(name, channels, classes, pretrained, **options):
    """The network, and the 224 pixels that all of them take."""
    from torchvision import models

    net = models.get_model(name, weights=None, **options)
    if pretrained:
        net.load_state_dict(weights(name, pretrained))
    if hasattr(net, 'aux_logits'):  # GoogLeNet's and Inception's further classifiers
        net.aux_logits = net.aux1 = net.aux2 = net.AuxLogits = None
    convolution = next(key for key, layer in net.named_modules() if isinstance(layer, nn.Conv2d))
    if channels != 3:
        replace(net, convolution, lambda layer: adapted(layer, channels, pretrained))
    *_, classifier = (key for key, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    replace(net, classifier, lambda layer: nn.Identity() if classes is None else resized(layer, classes))
    return net, 224


def replace(net, key, change):
    """Puts change(layer) where the layer of this name is."""
    parent, _, name = key.rpartition('.')
    parent = net.get_submodule(parent)
    setattr(parent, name, change(getattr(parent, name)))


def adapted(layer, channels, pretrained):
    """A first convolution for another number of channels, of outputs as large as before.

    What was learned of colours is for each colour of each frame, or in the mean for each of other channels.
    """
    fresh = like(layer, in_channels=channels)
    with torch.no_grad():
        if pretrained:
            seen = layer.weight if channels % 3 == 0 else layer.weight.mean(1, keepdim=True)
            fresh.weight.copy_(seen.repeat(1, channels // seen.shape[1], 1, 1) * 3 / channels)
        else:
            fresh.weight.normal_(0, layer.weight.std() * (3 / channels) ** 0.5)
        if layer.bias is not None:
            fresh.bias.copy_(layer.bias)
    return fresh


def resized(layer, classes):
    """A last layer, new, for another number of classes."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, classes)
    return like(layer, out_channels=classes)


def like(layer, **changes):
    """A new convolution as another but for these arguments."""
    same = ('in_channels', 'out_channels', 'kernel_size', 'stride', 'padding', 'dilation')
    return nn.Conv2d(**{name: getattr(layer, name) for name in same} | changes, bias=layer.bias is not None)


def weights(name, pretrained):
    """Their state, from the cache or by download. Raises UserError saying what to put where."""
    from torchvision import models

    there = models.get_model_weights(name)
    if pretrained is not True and pretrained not in there.__members__:
        known = [entry.name for entry in there]
        raise UserError(f"No weights '{pretrained}' of {name}.{hint(pretrained, known)} All: true, {', '.join(known)}.")
    chosen = there.DEFAULT if pretrained is True else there[pretrained]
    try:
        return chosen.get_state_dict(check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir(), 'checkpoints')
        raise UserError(f'No weights of {name} ({one_line(error)}): put {chosen.url} into {folder}') from error
