"""Networks of other libraries as blocks; Torchvision.py and Timm.py find them by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from Blocks.Shapes import shape_of


class Backbone(nn.Module):
    """[B, C, H, W] -> [B, D] without the network's classifier, or [B, *output_shape] with a new one.

    Args:
        make: (channels, classes or None, pretrained, **options) -> the network, and the side in pixels of the images it
            is made for.
        pretrained: True, or the name of the weights to load.
        resize: side in pixels to which images are resized. By default they are resized only if the network does not
            accept them.
        options: further arguments of `make`.

    Raises ValueError if inputs are not images.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        *,
        make: Callable[..., tuple[nn.Module, int]],
        pretrained: bool | str = False,
        resize: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if len(input_shape) != 3:
            raise ValueError('it sees images (C, H, W)')
        self.output_shape = output_shape and tuple(output_shape)
        self.net, side = make(input_shape[0], output_shape and math.prod(output_shape), pretrained, **options)
        self.resize = resize or (None if accepts(self.net, input_shape) else side)
        if self.resize and not resize:
            height, width = input_shape[1:]
            print(f'{type(self.net).__name__} takes no images of {height}x{width}: they are resized to {side}x{side}')

    def forward(self, image: Tensor) -> Tensor:
        if self.resize:
            image = F.interpolate(image, (self.resize, self.resize), mode='bilinear')
        out = self.net(image)
        return out.unflatten(1, self.output_shape) if self.output_shape else out


def accepts(net: nn.Module, input_shape: Sequence[int]) -> bool:
    """Returns whether a network accepts images of this shape."""
    try:
        return bool(shape_of(net, input_shape))
    except ValueError:
        return False
