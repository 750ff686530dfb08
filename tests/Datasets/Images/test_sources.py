"""Data sets by their signatures: torchvision's own, downloads, and what is missing."""

import inspect

import numpy as np
import pytest

from Datasets.Images.ImageData import ImageData
from Datasets.Images.Sources import Split
from Datasets.Suites.Classify import Classify
from Support.Errors import UserError

# torchvision's data sets of one class per image. LSUN and the like need libraries or labels that others do not.
TORCHVISION = """
    CIFAR10 CIFAR100 CLEVRClassification Caltech101 Caltech256 Country211 DTD EMNIST EuroSAT FER2013 FGVCAircraft
    FashionMNIST Flowers102 Food101 GTSRB INaturalist ImageNet Imagenette KMNIST LFWPeople MNIST Omniglot
    OxfordIIITPet PCAM Places365 QMNIST RenderedSST2 SEMEION STL10 SUN397 SVHN StanfordCars USPS
"""


@pytest.fixture
def offline(monkeypatch):
    """A machine without network: whatever tries to reach out fails at once."""

    def refuse(*_, **__):
        raise OSError('no network in this test')

    monkeypatch.setattr('socket.socket.connect', refuse)
    monkeypatch.setattr('socket.getaddrinfo', refuse)


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('name', TORCHVISION.split())
def test_every_torchvision_class_is_built_up_to_the_download(name, train, tmp_path, offline):
    """The signature is understood and the names of the parts are valid; what is missing is the data alone."""
    import torchvision

    with pytest.raises(UserError) as error:
        Split(getattr(torchvision.datasets, name), {}, str(tmp_path), train).dataset  # noqa: B018
    message = str(error.value)
    assert '\n' not in message and str(tmp_path) in message and f'No whole {name} in' in message
    assert not any(word in message for word in ('Unknown value', 'unexpected keyword', 'missing a required'))


def test_the_list_is_complete():
    """A class of images that torchvision adds should be listed, or be named here as something else."""
    import torchvision

    other = """
        CarlaStereo CREStereo CelebA Cityscapes CocoCaptions CocoDetection DatasetFolder ETH3DStereo FakeData
        FallingThingsStereo Flickr30k Flickr8k FlyingChairs FlyingThings3D HD1K HMDB51 ImageFolder InStereo2k Kinetics
        Kitti Kitti2012Stereo Kitti2015Stereo KittiFlow LFWPairs LSUN LSUNClass Middlebury2014Stereo MovingMNIST
        PhotoTour SBDataset SBU SceneFlowStereo Sintel SintelStereo UCF101 VOCDetection VOCSegmentation VisionDataset
        WIDERFace
    """
    there = {name for name in torchvision.datasets.__all__ if inspect.isclass(getattr(torchvision.datasets, name))}
    assert there - {*TORCHVISION.split(), *other.split()} == set()


def test_user_arguments_win_but_never_over_the_test_part(tmp_path):
    seen = []

    class Set:
        def __init__(self, root, split='train', flavour='plain', download=False):
            seen.append((root, split, flavour, download))
            self.data, self.targets = np.zeros((4, 5, 5), np.uint8), [0, 1, 0, 1]

        def __len__(self):
            return 4

    data = ImageData(Set, {'split': 'extra', 'flavour': 'sweet'}, tmp_path)
    assert len(data.train.label) == len(data.test.label) == 4
    assert seen == [(str(tmp_path), 'extra', 'sweet', False), (str(tmp_path), 'test', 'sweet', False)]


def test_missing_files_are_downloaded():
    class Set:
        def __init__(self, root, train=True, download=False):
            if not download:
                raise RuntimeError('Dataset not found. You can use download=True to download it')
            self.data, self.targets = np.zeros((4, 5, 5), np.uint8), [0, 1, 0, 1]

        def __len__(self):
            return 4

    assert len(ImageData(Set, {}, '').test.label) == 4


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'_target_': 'torchvision.datasets.MNISTT'}, 'Nearest: MNIST'),
        ({'_target_': 'torchvision.datasets.MNIST', 'trian': True}, 'Nearest: train'),
        ({'_target_': 'torchvision.datasets.ImageFolder'}, 'Dataset.root='),
        ({'_target_': 'torchvision.datasets.ImageFolder', 'root': '/no/such/folder'}, '/no/such/folder'),
        ({'_target_': None}, 'Dataset._target_='),
    ],
)
def test_errors_are_one_sentence(config, message):
    with pytest.raises(UserError, match=message) as error:
        Classify(config)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'content', [b'', b'\x00\x00\x08\x03\x00\x00\xea\x60\x00\x00\x00\x1c\x00\x00\x00\x1c cut', b'nonsense' * 9]
)
def test_broken_files_are_one_sentence(content, tmp_path, offline):
    from torchvision.datasets import MNIST

    raw = tmp_path / 'MNIST' / 'raw'
    raw.mkdir(parents=True)
    for name in ('train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'):
        (raw / f'{name}-ubyte').write_bytes(content)
    with pytest.raises(UserError, match='No whole MNIST') as error:
        Classify(MNIST, tmp_path)
    assert '\n' not in str(error.value)
