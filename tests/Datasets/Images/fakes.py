"""Stand-ins for data sets of images, and batches of them."""

import numpy as np
import torch
from PIL import Image

from Datasets.Images.Dataset import Dataset
from Datasets.Images.ImageData import Images


def fake(size, mode='L', shape=(6, 6), labels=10):
    """A data set without stored arrays, sorted by class."""

    class Items:
        def __init__(self):
            pass

        def __len__(self):
            return size

        def __getitem__(self, index):
            return Image.new(mode, shape[::-1], index % 200), index * labels // size

    return Items


def image_folder():
    from torchvision.datasets import ImageFolder

    return ImageFolder


def folder(root, parts=('train', 'test'), colours=None, size=(5, 4), count=3):
    """Image folders of `count` images per class."""
    for part in parts:
        for name, colour in (colours or {'cat': (10, 20, 30), 'dog': (200, 100, 0)}).items():
            (root / part / name).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                Image.new('RGB', size, colour).save(root / part / name / f'{i}.png')


def draw(dataset, batches):
    return [next(dataset.batches()) for _ in range(batches)]


def transformed(config, images, batches=1, seed=0, cursor=0):
    dataset = Dataset(images, len(images.label), seed=seed, transform=config)
    dataset.cursor = cursor
    return draw(dataset, batches)[-1]


def ramp(size, shape=(3, 8, 8)):
    """Images that a flip or a shift changes."""
    image = torch.arange(int(np.prod(shape)), dtype=torch.uint8).reshape(shape)
    return Images(image.expand(size, *shape).contiguous(), torch.zeros(size, dtype=torch.long))
