"""Videos (mp4) of evaluations, grids (png) of images, and GIFs of grids with several frames.

A failure (no ffmpeg, a full disk) never ends a run: it is printed once.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from Logging.Sinks import say
from Support.Errors import UserError, one_line
from Support.Files import atomic

if TYPE_CHECKING:
    import torch

SIDE = 320  # pixels; smaller frames are enlarged by a whole number, without blur
GRID_SIDE = 640
_said: set[str] = set()  # kinds of failures that were printed already


def save_video(path: Path | str, frames: np.ndarray, fps: float = 15) -> Path | None:
    """Writes frames uint8 [T, H, W, 3] as H.264 (yuv420p, which every player shows), `fps` frames per second.

    Returns the path, None if it could not be written. Raises ValueError for frames of another shape or dtype.
    """
    frames = np.ascontiguousarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f'A video needs frames [T, H, W, 3] uint8, not {list(frames.shape)} {frames.dtype}')
    try:
        with atomic(path) as temporary:
            encode(temporary, frames, fps)
    except (UserError, OSError, RuntimeError, ImportError) as error:
        warn('video', path, error)
        return None
    return Path(path)


def encode(path: Path, frames: np.ndarray, fps: float) -> None:
    """Pipes frames through ffmpeg, which enlarges them and pads odd sides (yuv420p halves both).

    Raises OSError, or RuntimeError with ffmpeg's message.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    height, width = frames.shape[1:3]
    times = max(1, round(SIDE / max(height, width)))
    scale = f'scale=iw*{times}:ih*{times}:flags=neighbor,pad=ceil(iw/2)*2:ceil(ih/2)*2'
    raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', f'{width}x{height}', '-r', str(fps), '-i', '-']
    h264 = ['-vf', scale, '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-pix_fmt', 'yuv420p']
    command = [get_ffmpeg_exe(), '-y', '-loglevel', 'error', *raw, *h264, '-movflags', '+faststart', '-f', 'mp4', path]
    done = subprocess.run(command, input=frames.reshape(-1).data, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors='replace').strip() or f'ffmpeg ended with {done.returncode}')


def save_grid(path: Path | str, images: np.ndarray | torch.Tensor, columns: int | None = None) -> Path | None:
    """Writes images uint8 [B, C, H, W] as one PNG, row by row, in `columns` or as square as B allows.

    C is 1 or 3, or a multiple of it for a stack of frames, of which the last is shown. Small images are enlarged by a
    whole number. Returns the path, None if it could not be written. Raises ValueError for another shape or dtype.
    """
    images = np.asarray(images.cpu() if hasattr(images, 'cpu') else images)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise ValueError(f'A grid needs images [B, C, H, W] uint8, not {list(images.shape)} {images.dtype}')
    try:
        from PIL import Image

        with atomic(path) as temporary:
            Image.fromarray(tile(images, columns)).save(temporary, format='PNG')
    except (UserError, OSError, ImportError) as error:
        warn('grid', path, error)
        return None
    return Path(path)


def save_gif(path: Path | str, frames: Iterable[np.ndarray], fps: int = 4) -> Path | None:
    """Writes frames, uint8 [H, W, 3] each, as an endless GIF. Returns the path, None if it could not be written."""
    try:
        from PIL import Image

        first, *rest = (Image.fromarray(frame) for frame in frames)
        with atomic(path) as temporary:
            first.save(temporary, format='GIF', save_all=True, append_images=rest, duration=1000 // fps, loop=0)
    except (UserError, OSError, ImportError) as error:
        warn('GIF', path, error)
        return None
    return Path(path)


def tile(images: np.ndarray, columns: int | None = None, space: int = 2) -> np.ndarray:
    """Tiles images [B, C, H, W] into one [H', W', 3], enlarged, with `space` white pixels between them."""
    channels = 3 if images.shape[1] % 3 == 0 else 1
    images = images[:, -channels:].repeat(3 // channels, axis=1)  # [B, 3, H, W]
    count, _, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    times = max(1, GRID_SIDE // (max(columns * width, rows * height)))
    images = images.repeat(times, axis=2).repeat(times, axis=3)
    height, width = height * times, width * times
    sheet = np.full((rows * columns, 3, height + space, width + space), 255, np.uint8)
    sheet[:count, :, :height, :width] = images
    sheet = sheet.reshape(rows, columns, 3, height + space, width + space)
    sheet = sheet.transpose(0, 3, 1, 4, 2).reshape(rows * (height + space), columns * (width + space), 3)
    return sheet[:-space, :-space]


def warn(kind: str, path: Path | str, error: BaseException) -> None:
    """Prints why a file could not be written, once for each kind of file."""
    if kind not in _said:
        _said.add(kind)
        say(f'No {kind} at {path}: {one_line(error)} (printed once; the run continues)', sys.stderr)
