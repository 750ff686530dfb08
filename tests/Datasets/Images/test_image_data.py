"""Images of any source in one form: signatures of data sets, folders, sizes, and what may be wrong with them."""

import functools
import inspect

import numpy as np
import pytest
import torch
from PIL import Image

from Datasets.Images.Dataset import Dataset
from Datasets.Images.Decode import Decoded, memory_left
from Datasets.Images.ImageData import ImageData, Images, stored_images
from Datasets.Images.Sources import Split
from Datasets.Suites.Classify import Classify, Digits, load_images
from Support.Errors import UserError

# torchvision's data sets of one class per image. LSUN and the like need libraries or labels that others do not.
TORCHVISION = """
    CIFAR10 CIFAR100 CLEVRClassification Caltech101 Caltech256 Country211 DTD EMNIST EuroSAT FER2013 FGVCAircraft
    FashionMNIST Flowers102 Food101 GTSRB INaturalist ImageNet Imagenette KMNIST LFWPeople MNIST Omniglot
    OxfordIIITPet PCAM Places365 QMNIST RenderedSST2 SEMEION STL10 SUN397 SVHN StanfordCars USPS
"""


# Stand-ins for what torchvision's classes hold and do


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


def test_a_channel_of_one_value_has_std_1(tmp_path):
    folder(tmp_path, colours={'a': (9, 0, 0), 'b': (9, 4, 0)})
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.statistics == ((9, 2, 0), (1, 2, 1))


def test_mini_takes_some_of_every_class():
    data = load_images(Digits, mini=True)
    assert len(data.train.label) == 1438  # fewer than there might be
    many = ImageData(fake(5000), {}, '', mini=True)
    assert len(many.train.label) == 2000 and len(many.test.label) == 500
    assert many.train.label.bincount().min() > 100  # they come sorted by class


class Stored:
    def __init__(self, data, targets):
        self.data, self.targets = data, targets


@pytest.mark.parametrize(
    ('data', 'shape'),
    [
        (torch.zeros(5, 7, 6, dtype=torch.uint8), (1, 7, 6)),  # MNIST
        (np.zeros((5, 7, 6, 3), np.uint8), (3, 7, 6)),  # CIFAR10
        (np.zeros((5, 3, 7, 6), np.uint8), (3, 7, 6)),  # SVHN, STL10
        (np.zeros((5, 7, 6), np.float32), None),
        ([1, 2, 3, 4, 5], None),  # file names
    ],
)
def test_stored_arrays_are_taken_as_they_are(data, shape):
    stored = stored_images(Stored(data, [0, 1, 2, 3, 4]))
    assert (stored and tuple(stored.obs.shape[1:])) == shape
    assert stored is None or (isinstance(stored, Images) and stored.label.dtype == torch.int64)


def test_labels_of_several_columns_are_not_taken(tmp_path):
    assert stored_images(Stored(torch.zeros(5, 7, 6, dtype=torch.uint8), torch.zeros(5, 8))) is None  # QMNIST


def test_stored_and_decoded_images_are_equal():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (10, 7, 6, 3), np.uint8)

    class Decoded:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return Image.fromarray(pixels[index]), index % 3

    class Kept(Decoded):
        def __init__(self):
            self.data, self.targets = pixels, [i % 3 for i in range(10)]

    kept, decoded = ImageData(Kept, {}, ''), ImageData(Decoded, {}, '')
    assert torch.equal(kept.train.obs, decoded.train.obs) and torch.equal(kept.test.label, decoded.test.label)


def test_folder_with_train_and_test(tmp_path):
    folder(tmp_path)
    suite = Classify(functools.partial(image_folder(), root=str(tmp_path)), num_envs=2, train=False)
    assert suite.class_names == ['cat', 'dog'] and suite.spec.obs_shape == (3, 4, 5) and suite.episodes == 6
    assert suite.data.train.obs[0, :, 0, 0].tolist() == [10, 20, 30]


def test_folder_of_classes_is_split(tmp_path):
    folder(tmp_path, parts=['.'], count=10)
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert len(data.train.label) == 16 and len(data.test.label) == 4


def test_a_test_folder_is_numbered_by_the_training_folder(tmp_path):
    folder(tmp_path)
    folder(tmp_path, parts=['train'], colours={'ape': (0, 0, 0)})
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.class_names == ['ape', 'cat', 'dog'] and data.test.label.unique().tolist() == [1, 2]
    folder(tmp_path, parts=['test'], colours={'yak': (0, 0, 0)})
    with pytest.raises(UserError, match='yak'):
        ImageData(image_folder(), {'root': tmp_path}, '').test  # noqa: B018


def test_images_of_different_sizes_and_modes(tmp_path):
    folder(tmp_path, size=(30, 20))
    folder(tmp_path, colours={'ape': (0, 0, 0)}, size=(25, 40))
    Image.new('L', (50, 50)).save(tmp_path / 'train' / 'ape' / 'gray.png')
    data = ImageData(image_folder(), {'root': tmp_path}, '')
    assert data.train.obs.shape[1:] == data.test.obs.shape[1:] == (3, 20, 20)
    assert ImageData(image_folder(), {'root': tmp_path}, '', resize=8).train.obs.shape[1:] == (3, 8, 8)
    assert ImageData(image_folder(), {'root': tmp_path}, '', resize=(8, 9)).test.obs.shape[1:] == (3, 8, 9)


def test_gray_items_have_one_channel():
    assert ImageData(fake(10), {}, '').train.obs.shape[1:] == (1, 6, 6)
    assert ImageData(fake(10, 'RGBA'), {}, '').train.obs.shape[1:] == (3, 6, 6)


def test_a_broken_image_is_named(tmp_path):
    folder(tmp_path)
    (tmp_path / 'train' / 'cat' / '1.png').write_bytes(b'no image')
    with pytest.raises(UserError, match=r'cat/1\.png'):
        Classify(functools.partial(image_folder(), root=str(tmp_path)))


# What goes wrong


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


def test_labels_that_are_no_class_are_refused():
    class Attributes:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return Image.new('L', (5, 5)), torch.zeros(40)

    with pytest.raises(UserError, match='one class'):
        Classify(Attributes)


# Larger than memory


@pytest.fixture
def photos(tmp_path):
    """A folder of 48 images of different sizes in 3 classes, some gray."""
    rng = np.random.default_rng(0)
    for part, count in ('train', 12), ('test', 4):
        for name in ('ape', 'cat', 'dog'):
            (tmp_path / 'photos' / part / name).mkdir(parents=True)
            for i in range(count):
                shape = (12 + i, 10, 3) if i else (12, 10)
                Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(
                    tmp_path / 'photos' / part / name / f'{i}.png'
                )
    return tmp_path / 'photos'


def batches(data, count):
    memory = Dataset(data.train, 7, seed=1, transform={'RandomHorizontalFlip': {}}, mean=data.statistics[0])
    return [next(memory.batches()) for _ in range(count)]


def test_streamed_and_preloaded_batches_are_equal(photos):
    data = {stream: ImageData(image_folder(), {'root': photos}, '', stream=stream) for stream in (True, False)}
    assert isinstance(data[True].train.obs, Decoded) and isinstance(data[False].train.obs, torch.Tensor)
    for streamed, preloaded in zip(*(batches(data[stream], 12) for stream in (True, False)), strict=True):
        assert torch.equal(streamed.obs, preloaded.obs) and torch.equal(streamed.label, preloaded.label)
    assert data[True].statistics == data[False].statistics and data[True].class_names == ['ape', 'cat', 'dog']
    suites = [Classify(functools.partial(image_folder(), root=str(photos)), num_envs=5, train=False, stream=stream)
              for stream in (True, False)]  # fmt: skip
    frames = [[suite.reset(), *(suite.step(np.zeros((5, 3))).obs for _ in range(4))] for suite in suites]
    assert np.array_equal(*frames)


def test_what_does_not_fit_is_streamed(photos, monkeypatch, capsys):
    size = 36 * 3 * 10 * 10
    for left, streamed in (2 * size, False), (2 * size - 1, True):
        monkeypatch.setattr('Datasets.Images.Decode.memory_left', lambda left=left: left)
        data = ImageData(image_folder(), {'root': photos}, '', keep=None)
        assert isinstance(data.train.obs, Decoded) == streamed
        assert ('ImageFolder is streamed: 1.08e-05 GB at 10x10 pixels' in capsys.readouterr().out) == streamed
        for path in photos.parent.glob('photos.prepared/*'):
            path.unlink()


def test_a_broken_image_that_is_streamed_is_named(photos):
    data = ImageData(image_folder(), {'root': photos}, '', stream=True)
    broken = photos / 'train' / 'cat' / '1.png'
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(UserError, match=r'cat/1\.png'):
        batches(data, 6)


@pytest.mark.parametrize('settings', [{'stream': 'maybe'}, {'workers': 0}, {'workers': 'many'}])
def test_wrong_settings_are_one_sentence(settings):
    with pytest.raises(UserError, match=f'suite.{next(iter(settings))} is'):
        Classify(Digits, **settings)


def test_memory_that_is_left():
    assert 1e6 < memory_left() < 1e14
