"""Image folders in archives."""

import functools
import tarfile
import zipfile

import pytest
import torch
from torchvision.datasets import ImageFolder

from Datasets.Images.Archive import find_archive
from Datasets.Images.ImageData import ImageData
from Datasets.Suites.Classify import Classify
from Support.Errors import UserError
from Support.Files import PROJECT

SHARED = PROJECT.parent / 'shared' / 'datasets'


def pack(folder, path, prefix=''):
    """A folder as a .tar.gz or .zip, with files that are no images among them."""
    (folder / 'README.txt').write_text('hello')
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as archive:
            for file in folder.rglob('*'):
                archive.write(file, f'{prefix}{file.relative_to(folder)}')
    else:
        with tarfile.open(path, 'w:gz') as archive:
            for file in sorted(folder.rglob('*'), reverse=True):
                archive.add(file, f'{prefix}{file.relative_to(folder)}', recursive=False)
    return path


def equal(one, other):
    parts = ((one.train, other.train), (one.test, other.test))
    return one.class_names == other.class_names and all(
        torch.equal(a.obs, b.obs) and torch.equal(a.label, b.label) for a, b in parts
    )


@pytest.mark.parametrize('ending', ['.tar.gz', '.zip'])
@pytest.mark.parametrize('prefix', ['', './', 'some/where/'])
def test_an_archive_holds_what_its_folder_does(photos, tmp_path, ending, prefix):
    path = pack(photos, tmp_path / f'packed{ending}', prefix)
    data = ImageData(ImageFolder, {'root': str(path)}, '')
    assert equal(data, ImageData(ImageFolder, {'root': str(photos)}, '')) and len(data.test.label) == 4


def test_an_archive_is_found_in_the_place_of_its_folder(photos, tmp_path):
    pack(photos, tmp_path / 'packed.tar.gz')
    assert find_archive(tmp_path / 'packed') == tmp_path / 'packed.tar.gz' and find_archive(photos) is None
    assert find_archive(tmp_path / 'nothing') is None
    data = ImageData(ImageFolder, {'root': str(tmp_path / 'packed')}, '')
    assert equal(data, ImageData(ImageFolder, {'root': str(photos)}, ''))


@pytest.mark.parametrize('ending', ['.tar.gz', '.zip'])
def test_an_archive_of_classes_is_split_as_its_folder_is(photos, tmp_path, ending):
    path = pack(photos / 'train', tmp_path / f'packed{ending}')
    (photos / 'train' / 'README.txt').unlink()
    data = ImageData(ImageFolder, {'root': str(path)}, '')
    assert equal(data, ImageData(ImageFolder, {'root': str(photos / 'train')}, '')) and len(data.test.label) == 2


@pytest.mark.parametrize('kind', ['nothing', 'no archive', 'no images', 'cut', 'damaged', 'damaged zip'])
def test_a_bad_archive_is_one_sentence(photos, tmp_path, kind):
    path = pack(photos, tmp_path / ('packed.zip' if kind == 'damaged zip' else 'packed.tar.gz'))
    content = path.read_bytes()
    if kind == 'no images':
        tarfile.open(path, 'w:gz').close()
    else:
        damaged = content[:200] + bytes(300) + content[500:]
        others = {'nothing': b'', 'no archive': b'hello', 'cut': content[:700]}
        path.write_bytes(others.get(kind, damaged))
    with pytest.raises(UserError, match=path.name) as error:
        Classify(functools.partial(ImageFolder, root=str(path)))
    assert '\n' not in str(error.value)


def test_an_archive_larger_than_memory_is_to_be_unpacked(photos, tmp_path, monkeypatch):
    path = pack(photos, tmp_path / 'packed.zip')
    monkeypatch.setattr('Datasets.Images.Sources.memory_left', lambda: 100)
    with pytest.raises(UserError, match='unpack it'):
        ImageData(ImageFolder, {'root': str(path)}, '').train  # noqa: B018


def test_cifar10_as_jpeg(tmp_path):
    """mini=true, because reading all of it takes twenty seconds; where data is read-only, it is kept elsewhere."""
    if not (SHARED / 'cifar10_images.tar.gz').is_file():
        pytest.skip('needs ../shared/datasets/cifar10_images.tar.gz')
    root = {'root': str(SHARED / 'cifar10_images')}
    before = sorted(SHARED.iterdir())
    data = ImageData(ImageFolder, root, '', mini=True, keep=tmp_path)
    assert data.train.obs.shape == (2000, 3, 32, 32) and len(data.class_names) == 10 and data.class_names[3] == 'cat'
    assert data.train.label.bincount().min() > 150
    assert sorted(SHARED.iterdir()) == before and len(list(tmp_path.glob('cifar10_images.prepared/train-*'))) >= 1
