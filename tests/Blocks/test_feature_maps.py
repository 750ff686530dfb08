"""Feature maps as tokens and back, by hand."""

import pytest
import torch
from torch import nn

from Blocks.FeatureMaps import ChannelNorm, Patches, as_map, coordinates, token_grid, tokens


def test_flat_features_are_a_map_of_one_pixel():
    x = torch.randn(2, 3)
    assert as_map(x).shape == (2, 3, 1, 1) and torch.equal(as_map(x).flatten(1), x)
    image = torch.randn(2, 3, 4, 5)
    assert as_map(image) is image


def test_tokens_read_a_map_row_by_row():
    x = torch.tensor([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]])  # two channels
    assert tokens(x).tolist() == [[[1, 5], [2, 6], [3, 7], [4, 8]]]
    assert torch.equal(tokens(x).mT.unflatten(2, (2, 2)), x)  # and back


def test_the_grid_of_a_map():
    assert token_grid((8, 3, 2)) == (3, 2) and token_grid((8, 5, 1), max_tokens=5) == (5, 1)
    for shape in ((8,), (8, 1, 1)):
        with pytest.raises(ValueError, match='pool=Null'):
            token_grid(shape)
    with pytest.raises(ValueError, match='6'):
        token_grid((8, 3, 2), max_tokens=5)


def test_coordinates_go_from_minus_one_to_one():
    assert coordinates((2, 3)).tolist() == [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]
    assert coordinates((1, 2)).tolist() == [[0, -1], [0, 1]]  # a side of one position has its center


def test_patches_are_a_linear_layer_over_each():
    patches, image = Patches((1, 4, 6), 2, size=2), torch.randn(3, 1, 4, 6)
    pixels = image.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).squeeze(1)  # [3, 2, 3, 4]
    expected = pixels @ patches.embed.weight.flatten(1).T + patches.embed.bias
    torch.testing.assert_close(patches(image), expected.movedim(-1, 1))


def test_patches_pad_the_right_and_lower_edges_with_zeros():
    patches, image = Patches((1, 3, 5), 2, size=2), torch.randn(1, 1, 3, 5)
    padded = torch.zeros(1, 1, 4, 6)
    padded[..., :3, :5] = image
    assert patches(image).shape == (1, 2, 2, 3)
    torch.testing.assert_close(patches(image), patches.embed(padded))


@pytest.mark.parametrize(('side', 'most', 'size'), [(64, 8, 8), (65, 8, 9), (5, 8, 1), (84, 16, 6)])
def test_the_default_size_of_patches(side, most, size):
    assert Patches((3, side, side - 1), 2, most=most).size == size


def test_patches_want_images():
    with pytest.raises(ValueError, match='images'):
        Patches((8,), 2)


def test_channel_norm_is_layer_norm_at_each_position():
    norm, x = ChannelNorm(4), torch.randn(2, 4, 3, 5)
    nn.init.normal_(norm.weight)
    expected = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + norm.eps).sqrt()
    torch.testing.assert_close(norm(x), expected * norm.weight.view(-1, 1, 1))
