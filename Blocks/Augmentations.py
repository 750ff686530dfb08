"""Augmentations of image batches, on the pixels' own scale 0..255. Other input passes unchanged."""

import torch
from torch import nn


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
