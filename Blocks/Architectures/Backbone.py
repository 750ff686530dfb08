"""Networks of torchvision and timm as blocks; Torchvision.py and Timm.py know them by name."""

from torch import nn
from torch.nn import functional as F

from Blocks.Shapes import shape_of, size


class Backbone(nn.Module):
    """[B, C, H, W] -> [B, D], without the classifier; with an `output_shape` a new one gives [B, *output_shape].

    make(channels, classes or None, pretrained, **options) -> the network, and the pixels a side that it was made for.
    pretrained: true, or the name of the weights. resize: pixels a side to which images are brought; by default they
    stay as they are, unless the network does not take that.
    """

    def __init__(self, input_shape, output_shape=None, *, make, pretrained=False, resize=None, **options):
        super().__init__()
        if len(input_shape) != 3:
            raise ValueError('it sees images (C, H, W)')
        self.output_shape = output_shape and tuple(output_shape)
        self.net, side = make(input_shape[0], output_shape and size(output_shape), pretrained, **options)
        self.resize = resize or (None if takes(self.net, input_shape) else side)
        if self.resize and not resize:
            height, width = input_shape[1:]
            print(f'{type(self.net).__name__} takes no images of {height}x{width}: they are resized to {side}x{side}')

    def forward(self, image):
        if self.resize:
            image = F.interpolate(image, (self.resize, self.resize), mode='bilinear')
        out = self.net(image)
        return out.unflatten(1, self.output_shape) if self.output_shape else out


def takes(net, input_shape):
    """Whether a network gives anything for images of this shape."""
    try:
        return bool(shape_of(net, input_shape))
    except ValueError:
        return False
