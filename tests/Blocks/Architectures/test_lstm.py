"""The LSTM over the positions of a map."""

import torch

from Blocks.Architectures import LSTM


def test_it_reads_the_positions_in_order_and_returns_the_last_output():
    block, x = LSTM((3, 2, 2), hidden_dim=4), torch.randn(5, 3, 2, 2)
    sequence = torch.stack([x[:, :, 0, 0], x[:, :, 0, 1], x[:, :, 1, 0], x[:, :, 1, 1]], 1)
    torch.testing.assert_close(block(x), block.lstm(sequence)[1][0][-1])
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(block(x), block(x).float()) and block(x).dtype == torch.float32
