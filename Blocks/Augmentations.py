"""Augmentations of image batches, on the pixels' own scale 0..255. Other input passes unchanged."""

import torch
from torch import nn

from Support.Errors import UserError


class RandomShifts(nn.Module):
    """Shifts each image by up to `pad` pixels, edges repeated: [B, C, H, W] -> the same (DrQ, arXiv:2004.13649).

    Whole pixels, so an integer crop does what DrQ-v2 does by interpolation, and bytes stay bytes.
    """

    def __init__(self, input_shape=None, output_shape=None, pad=4):
        super().__init__()
        self.pad = pad

    def forward(self, image):
        if image.dim() != 4:
            return image
        batch, _, height, width = image.shape
        down, right = torch.randint(-self.pad, self.pad + 1, (2, batch, 1), device=image.device)
        rows = (torch.arange(height, device=image.device) + down).clamp(0, height - 1)  # [B, H]
        columns = (torch.arange(width, device=image.device) + right).clamp(0, width - 1)  # [B, W]
        pixels = rows.unsqueeze(2) * width + columns.unsqueeze(1)  # [B, H, W]
        index = pixels.flatten(1).unsqueeze(1).expand(*image.shape[:2], -1)  # [B, C, H * W]
        return image.flatten(2).gather(2, index).view_as(image)


class Intensity(nn.Module):
    """Scales each image by 1 + scale * N(0, 1), the noise cut at two deviations (SPR, arXiv:2007.05929)."""

    def __init__(self, input_shape=None, output_shape=None, scale=0.05):
        super().__init__()
        self.scale = scale

    def forward(self, image):
        if image.dim() != 4:
            return image
        noise = torch.randn(len(image), 1, 1, 1, device=image.device).clamp_(-2, 2)
        return image * (1 + self.scale * noise)


class RandomShiftsIntensity(nn.Sequential):
    """Both, as the Atari 100k agents have it."""

    def __init__(self, input_shape=None, output_shape=None, pad=4, scale=0.05):
        super().__init__(RandomShifts(pad=pad), Intensity(scale=scale))


class DiffAugment(nn.Module):
    """Changes images in [-1, 1] so that gradients pass, [B, C, H, W] -> the same (arXiv:2006.10738, section 3).

    parts: of 'color' (brightness, saturation, contrast), 'shift' (by up to an eighth of a side, black comes in) and
    'cut' (a black square of half the side).
    """

    def __init__(self, input_shape, parts=('color', 'shift', 'cut')):
        super().__init__()
        if unknown := set(parts) - {'color', 'shift', 'cut'}:
            raise UserError(f"agent.gan.augment is a list of color, shift and cut, not '{unknown.pop()}'.")
        self.parts = tuple(parts)
        self.pad = max(1, max(input_shape[1:]) // 8)

    def forward(self, image):
        for part in self.parts:
            image = getattr(self, part)(image)
        return image

    def color(self, image):
        brightness, saturation, contrast = torch.rand(3, len(image), 1, 1, 1, device=image.device)
        image = image + brightness - 0.5
        gray = image.mean(1, keepdim=True)
        image = gray + 2 * saturation * (image - gray)
        mean = image.mean((1, 2, 3), keepdim=True)
        return mean + (contrast + 0.5) * (image - mean)

    def shift(self, image):
        black = nn.functional.pad(image + 1, [self.pad] * 4)  # whose edges RandomShifts repeats
        return RandomShifts(pad=self.pad)(black)[..., self.pad : -self.pad, self.pad : -self.pad] - 1

    def cut(self, image):
        height, width = image.shape[2:]
        centre = torch.rand(2, len(image), 1, device=image.device)
        rows = (torch.arange(height, device=image.device) - centre[0] * height).abs() < height / 4  # [B, H]
        columns = (torch.arange(width, device=image.device) - centre[1] * width).abs() < width / 4  # [B, W]
        hole = rows.unsqueeze(2) & columns.unsqueeze(1)
        return torch.where(hole.unsqueeze(1), -torch.ones_like(image), image)
