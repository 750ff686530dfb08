"""Augmentations of image batches with values in 0..255. Other inputs pass unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Support.Errors import UserError


class RandomShifts(nn.Module):
    """Shifts each image [B, C, H, W] by up to `pad` pixels, repeating edges (DrQ, arXiv:2004.13649). Keeps the dtype.

    Shifts are whole pixels, so indexing returns what DrQ-v2 interpolates.
    """

    def __init__(
        self, input_shape: Sequence[int] | None = None, output_shape: Sequence[int] | None = None, pad: int = 4
    ) -> None:
        super().__init__()
        self.pad = pad

    def forward(self, image: Tensor) -> Tensor:
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
    """Multiplies each image [B, C, H, W] by 1 + scale * N(0, 1), clipped at two deviations (SPR, arXiv:2007.05929)."""

    def __init__(
        self, input_shape: Sequence[int] | None = None, output_shape: Sequence[int] | None = None, scale: float = 0.05
    ) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, image: Tensor) -> Tensor:
        if image.dim() != 4:
            return image
        noise = torch.randn(len(image), 1, 1, 1, device=image.device).clamp_(-2, 2)
        return image * (1 + self.scale * noise)


class RandomShiftsIntensity(nn.Sequential):
    """`RandomShifts`, then `Intensity`, as agents of the Atari 100k benchmark augment."""

    def __init__(
        self,
        input_shape: Sequence[int] | None = None,
        output_shape: Sequence[int] | None = None,
        pad: int = 4,
        scale: float = 0.05,
    ) -> None:
        super().__init__(RandomShifts(pad=pad), Intensity(scale=scale))


class DiffAugment(nn.Module):
    """Augments images [B, C, H, W] in [-1, 1] differentiably (arXiv:2006.10738, section 3).

    Args:
        parts: any of 'color' (brightness, saturation, contrast), 'shift' (by up to an eighth of a side, filled with
            black) and 'cut' (a black square of half the side). Raises UserError for another.
    """

    def __init__(self, input_shape: Sequence[int], parts: Sequence[str] = ('color', 'shift', 'cut')) -> None:
        super().__init__()
        if unknown := set(parts) - {'color', 'shift', 'cut'}:
            raise UserError(f"agent.gan.augment is a list of color, shift and cut, not '{unknown.pop()}'.")
        self.parts = tuple(parts)
        self.pad = max(1, max(input_shape[1:]) // 8)

    def forward(self, image: Tensor) -> Tensor:
        for part in self.parts:
            image = getattr(self, part)(image)
        return image

    def color(self, image: Tensor) -> Tensor:
        brightness, saturation, contrast = torch.rand(3, len(image), 1, 1, 1, device=image.device)
        image = image + brightness - 0.5
        gray = image.mean(1, keepdim=True)
        image = gray + 2 * saturation * (image - gray)
        mean = image.mean((1, 2, 3), keepdim=True)
        return mean + (contrast + 0.5) * (image - mean)

    def shift(self, image: Tensor) -> Tensor:
        black = nn.functional.pad(image + 1, [self.pad] * 4)  # RandomShifts repeats these edges
        return RandomShifts(pad=self.pad)(black)[..., self.pad : -self.pad, self.pad : -self.pad] - 1

    def cut(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        center = torch.rand(2, len(image), 1, device=image.device)
        rows = (torch.arange(height, device=image.device) - center[0] * height).abs() < height / 4  # [B, H]
        columns = (torch.arange(width, device=image.device) - center[1] * width).abs() < width / 4  # [B, W]
        hole = rows.unsqueeze(2) & columns.unsqueeze(1)
        return torch.where(hole.unsqueeze(1), -torch.ones_like(image), image)
