"""Networks that judge images: a saved classifier, and Inception with the weights that torchvision keeps."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

import Utils
from Logging.Evaluation.Recognizer import Judge, Recognizer, judge
from tests.Logging.Saving.test_saved_parts import DIGITS, saved

IMAGES = np.random.default_rng(0).integers(256, size=(3, *DIGITS.obs_shape), dtype=np.uint8)


def test_what_it_tells_by_hand():
    """Four images named 0 0 2 1 with confidence 0.95 0.5 0.99 0.91, of which 0 1 2 0 were asked for."""
    named = np.array([0.95, 0.5, 0.99, 0.91]), np.array([0, 0, 2, 1])
    recognizer = SimpleNamespace(name=lambda images: named, agent=SimpleNamespace(spec=DIGITS))
    numbers = {'recognised': 0.75, 'rarest': 0.25, 'commonest': 0.5}
    assert Recognizer.recognition(recognizer, IMAGES, labels=0) == numbers
    assert Recognizer.recognition(recognizer, IMAGES, labels=3) == numbers | {'agreement': 0.5}


def test_a_saved_classifier(tmp_path):
    agent = saved(tmp_path, DIGITS, 'task=classify/digits', 'Aug=Null', 'RL=false')
    recognizer = judge(tmp_path, DIGITS.obs_shape)
    logits = torch.from_numpy(agent.act(IMAGES, explore=False))
    confidence, label = recognizer.name(IMAGES)
    assert label.tolist() == logits.argmax(-1).tolist()
    np.testing.assert_allclose(confidence, logits.softmax(-1).amax(-1), rtol=1e-5)
    features = torch.from_numpy(recognizer.features(IMAGES))
    torch.testing.assert_close(agent.creator.actor.pi_head(features), logits)
    assert judge(tmp_path, DIGITS.obs_shape) is recognizer  # as long as the file is the same
    saved(tmp_path, DIGITS, 'task=classify/digits', 'Aug=Null', 'RL=false')
    assert judge(tmp_path, DIGITS.obs_shape) is not recognizer
    with pytest.raises(Utils.UserError, match=r'classifies no images of shape \(3, 8, 8\)'):
        judge(tmp_path, (3, 8, 8))


def test_the_data_is_seen_once_and_what_is_new_again():
    seen = []
    network = Judge(nn.Linear(1, 1))
    network.see = lambda images: seen.append(len(images)) or images.float()
    for images in (IMAGES, IMAGES.copy(), 255 - IMAGES):
        np.testing.assert_array_equal(network.features_of_data(images), images.reshape(3, -1))
    assert seen == [3, 3]


def test_inception_sees_gray_as_colors_at_299_pixels(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(Utils.UserError, match=r'put https://\S*inception_v3\S*pth into \S*hub/checkpoints$'):
        monkeypatch.setattr(torch.hub, 'urlopen', offline)
        judge('inception', (1, 12, 12))
    theirs = torchvision.models.inception_v3(init_weights=False).eval()
    (tmp_path / 'hub' / 'checkpoints').mkdir(parents=True, exist_ok=True)
    torch.save(theirs.state_dict(), tmp_path / 'hub' / 'checkpoints' / 'inception_v3_google-0cc3c7bd.pth')
    theirs.fc, theirs.transform_input = nn.Identity(), True  # it undoes the ImageNet normalization that it expects
    network = judge('inception', (1, 12, 12))
    colors = torch.from_numpy(IMAGES).expand(-1, 3, -1, -1) / 255
    normalized = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(colors)
    with torch.no_grad():
        wanted = theirs(F.interpolate(normalized, (299, 299), mode='bilinear', antialias=True))
    assert wanted.shape == (3, 2048) and wanted.std() > 0
    np.testing.assert_allclose(network.features(IMAGES), wanted, rtol=1e-3, atol=1e-3)
    assert network.recognition(IMAGES, 3) == {}


def offline(*_, **__):
    raise OSError('no network')
