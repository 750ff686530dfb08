"""The cache beside a data set."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from Datasets.Images import ImageData as module
from Datasets.Images.ImageData import ImageData
from Support.Errors import UserError


def equal(one, other):
    parts = ((one.train, other.train), (one.test, other.test))
    return one.class_names == other.class_names and all(
        torch.equal(a.obs, b.obs) and torch.equal(a.label, b.label) for a, b in parts
    )


def forbid(monkeypatch):
    """From now on nothing may be decoded or counted."""

    def fail(*_):
        raise AssertionError('it should have been kept')

    monkeypatch.setattr('Datasets.Images.Decode.Decoded.begin', fail)
    monkeypatch.setattr(module, 'pixel_statistics', fail)


def test_images_and_statistics_are_kept_beside_the_data(photos, monkeypatch):
    first = ImageData(ImageFolder, {'root': str(photos)}, '')
    statistics = first.statistics
    pixels = first.train.obs.double()
    assert statistics[0] == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert equal(first, first)
    kept = sorted(path.suffix for path in (photos.parent / 'photos.prepared').iterdir())
    assert kept == ['.json', '.safetensors', '.safetensors']
    told = json.loads(next((photos.parent / 'photos.prepared').glob('*.json')).read_text())
    assert told['mean'] == list(statistics[0]) and told['of']['mini'] is False
    forbid(monkeypatch)
    second = ImageData(ImageFolder, {'root': str(photos)}, '')
    assert equal(first, second) and second.statistics == statistics


@pytest.mark.parametrize('change', ['add', 'overwrite', 'resize', 'subset', 'argument'])
def test_what_is_out_of_date_is_not_taken(photos, change):
    first, settings = ImageData(ImageFolder, {'root': str(photos)}, ''), {}
    assert len(first.train.label) == 10 and first.statistics
    if change == 'add':
        Image.new('RGB', (5, 6)).save(photos / 'train' / 'cat' / 'new.png')
    elif change == 'overwrite':
        path = photos / 'train' / 'cat' / '0.png'
        Image.new('RGB', (5, 6)).save(path)
        os.utime(path, ns=(1, 1))
    arguments = {'root': str(photos)} | ({'allow_empty': True} if change == 'argument' else {})
    settings = {'resize': 4} if change == 'resize' else {'subset': ['dog']} if change == 'subset' else {}
    second = ImageData(ImageFolder, arguments, '', **settings)
    assert (change == 'argument') == (second.statistics == first.statistics)
    assert len(list((photos.parent / 'photos.prepared').glob('train-*.safetensors'))) == 2
    assert len(second.train.label) == {'add': 11, 'subset': 5}.get(change, 10)


def test_a_read_only_folder_is_left_alone(photos, tmp_path):
    photos.parent.chmod(0o555)
    try:
        data = ImageData(ImageFolder, {'root': str(photos)}, '', keep=tmp_path / 'photos' / 'kept')
        assert data.statistics and sorted(path.name for path in photos.parent.iterdir()) == ['photos']
        kept = list((tmp_path / 'photos' / 'kept' / 'photos.prepared').iterdir())
        assert len(kept) == 2 and all(path.stat().st_mode & 0o044 for path in kept)
    finally:
        photos.parent.chmod(0o755)


def test_no_room_is_told_and_stops_nothing(photos, monkeypatch, capsys):
    monkeypatch.setattr('shutil.disk_usage', lambda _: SimpleNamespace(free=10))
    assert len(ImageData(ImageFolder, {'root': str(photos)}, '').train.label) == 10
    assert 'Not kept for the next start: less than' in capsys.readouterr().err


@pytest.mark.parametrize('ending', ['safetensors', 'json'])
def test_a_damaged_file_is_one_sentence(photos, ending):
    assert ImageData(ImageFolder, {'root': str(photos)}, '').statistics
    for path in (photos.parent / 'photos.prepared').glob(f'*.{ending}'):
        path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(UserError, match='delete it') as error:
        ImageData(ImageFolder, {'root': str(photos)}, '').statistics  # noqa: B018
    assert '\n' not in str(error.value)


def test_a_set_of_the_users_own_is_read_each_time(tmp_path):
    """Nobody can tell when it changes."""

    class Own:
        def __init__(self, root):
            self.data, self.targets = np.zeros((10, 4, 4), np.uint8), [0, 1] * 5

        def __len__(self):
            return 10

    assert ImageData(Own, {}, tmp_path, keep=tmp_path).statistics == ((0,), (1,))
    assert not list(tmp_path.iterdir())
