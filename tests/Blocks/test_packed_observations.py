"""Records: bytes in, the same numbers out; their encoder and their augmentation."""

import numpy as np
import pytest
import torch
from torch import nn

from Agents import PPOAgent
from Blocks.Augmentations import Intensity, RandomShifts
from Blocks.Encoders import Encoder, RecordEncoder
from Blocks.PackedObservations import AugmentImages, pack, part_shapes, unpack
from Datasets.Experience import Part, Spec
from tests.make import make

PARTS = (Part('a', (3,), 'float32'), Part('b', (1, 5, 5), 'uint8'), Part('c', (1,), 'float32'))
SIZE = 12 + 25 + 4  # bytes of a frame: numbers begin at odd places
SPEC = Spec((SIZE,), 'uint8', (), 2, parts=PARTS)


def values(batch=4, frames=2):
    return {
        'a': torch.randn(batch, 3 * frames),
        'b': torch.randint(256, (batch, frames, 5, 5), dtype=torch.uint8),
        'c': torch.randn(batch, frames),
    }


@pytest.mark.parametrize(('batch', 'frames'), [(4, 2), (1, 1), (1, 3), (3, 1)])
def test_what_is_packed_is_unpacked_bit_for_bit(batch, frames):
    given = values(batch, frames)
    records = pack(given, PARTS)
    assert records.dtype == torch.uint8 and records.shape == (batch, frames * SIZE)
    for name, value in unpack(records, PARTS).items():
        assert value.dtype == given[name].dtype and torch.equal(value, given[name])


def test_frames_lie_behind_each_other():
    """By hand: two frames of one number and one 1x2 image."""
    parts = Part('x', (1,), 'float32'), Part('y', (1, 1, 2), 'uint8')
    frames = [np.concatenate([np.float32([x]).view(np.uint8), np.uint8(y)]) for x, y in ((0.5, (1, 2)), (-3, (4, 5)))]
    parted = unpack(torch.from_numpy(np.concatenate(frames)).unsqueeze(0), parts)
    assert parted['x'].tolist() == [[0.5, -3.0]] and parted['y'].tolist() == [[[[1, 2]], [[4, 5]]]]


def test_shapes_are_those_of_the_stack():
    assert part_shapes(PARTS, (2 * SIZE,)) == {'a': (6,), 'b': (2, 5, 5), 'c': (2,)}


def test_a_record_is_encoded_part_by_part():
    given = values()
    encoder = RecordEncoder((2 * SIZE,), PARTS, eyes=nn.Identity)
    expected = torch.cat([given['a'], Encoder((2, 5, 5), eyes=nn.Identity)(given['b']), given['c']], 1)
    assert encoder.repr_shape == (6 + 50 + 2,)
    torch.testing.assert_close(encoder(pack(given, PARTS)), expected)


def test_states_of_a_record_are_normalized_and_pixels_are_not():
    given = values(batch=500)
    records = pack(given | {'a': 5 + 3 * given['a']}, PARTS)
    encoder = RecordEncoder((2 * SIZE,), PARTS, eyes=nn.Identity, normalize=True)
    encoder.update(records)
    seen = encoder(records)
    assert seen[:, :6].mean().abs() < 1e-3 and (seen[:, :6].std(0) - 1).abs().max() < 0.01
    torch.testing.assert_close(seen[:, 6:56], given['b'].flatten(1) / 255)


def test_an_agent_that_normalizes_counts_the_states():
    agent = make(PPOAgent, SPEC, hidden_dim=8, normalize_obs=True)
    a, b, c = agent.creator.encoder.encoders
    assert a.running and c.running and not b.running


def test_only_images_are_augmented():
    torch.manual_seed(0)
    given = values(batch=50)
    augmented = unpack(AugmentImages(RandomShifts, (2 * SIZE,), PARTS)(pack(given, PARTS)), PARTS)
    assert torch.equal(augmented['a'], given['a']) and torch.equal(augmented['c'], given['c'])
    assert (augmented['b'] != given['b']).any()
    assert not {*augmented['b'][0].unique().tolist()} - {*given['b'][0].unique().tolist()}  # shifted, not changed


def test_augmented_floats_are_rounded_to_bytes():
    given = values(batch=1, frames=1) | {'b': torch.full((1, 1, 5, 5), 200, dtype=torch.uint8)}
    torch.manual_seed(0)
    factor = 1 + 0.3 * torch.randn(1, 1, 1, 1).clamp(-2, 2).item()
    torch.manual_seed(0)
    block = AugmentImages(lambda input_shape: Intensity(scale=0.3), (SIZE,), PARTS)
    assert unpack(block(pack(given, PARTS)), PARTS)['b'].unique().tolist() == [min(255, round(200 * factor))]
