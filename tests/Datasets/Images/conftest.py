"""Fixtures of data sets on disk."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path):
    """photos/{train,test}/{cat,dog}/*.png, 5 and 2 of each."""
    rng = np.random.default_rng(0)
    for part, count in ('train', 5), ('test', 2):
        for name in ('cat', 'dog'):
            folder = tmp_path / 'photos' / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                Image.fromarray(rng.integers(0, 256, (6, 5, 3), np.uint8)).save(folder / f'{i}.png')
    return tmp_path / 'photos'
