"""The networks of timm, an optional package: `Eyes=timm:vit_small_patch16_224` is `Timm.vit_small_patch16_224` here."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

from torch import nn

from Blocks.Architectures.Backbone import Backbone
from Support.Errors import UserError, one_line


def __getattr__(name: str) -> partial[Backbone]:
    if name not in __dir__():
        raise AttributeError(name)
    return partial(Backbone, make=partial(make, name))


def __dir__() -> list[str]:
    return library().list_models()


def library() -> ModuleType:
    """Returns timm. Raises UserError if it is not installed."""
    try:
        import timm
    except ImportError as error:
        raise UserError(f'timm is not installed ({one_line(error)}): pip install timm') from error
    return timm


def make(
    name: str, channels: int, classes: int | None, pretrained: bool | str, **options: Any
) -> tuple[nn.Module, int]:
    """Returns the network, and the side in pixels of the images it is made for.

    Args:
        classes: None for a network without a classifier.
        pretrained: True, or the tag of the weights. Raises UserError if they cannot be loaded.
    """
    timm = library()
    full = name if pretrained in (True, False) else f'{name}.{pretrained}'
    try:
        net = timm.create_model(full, bool(pretrained), in_chans=channels, num_classes=classes or 0, **options)
    except Exception as error:  # the libraries below raise anything without a network
        if not pretrained:
            raise
        raise UserError(
            f'No weights of timm:{full} ({one_line(error)[:150]}): run it once with a network, or give their file by '
            'pretrained_cfg_overlay.file=<path>'
        ) from error
    return net, net.pretrained_cfg.get('input_size', (3, 224, 224))[1]
