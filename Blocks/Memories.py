"""Memories of recurrent agents (`agent.memory=LSTM`): what is kept of an episode's earlier features.

A memory has an `output_shape` and is called as

    states = memory(features [B, T, *input_shape], carry, first [B, T])     [B, T, S, *output_shape]

`states[:, :, 0]` are the outputs. `carry` [B, S, *output_shape] is the hidden state before the first step; None stands
for zeros. `first` (bool) marks the first steps of episodes, before which the hidden state is reset.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Forgetful(nn.Module):
    """No memory: returns the features of each step. S = 1."""

    def __init__(self, input_shape: Sequence[int], hidden_dim: int | None = None) -> None:
        super().__init__()
        self.output_shape = tuple(input_shape)

    def forward(self, features: Tensor, carry: Tensor | None, first: Tensor) -> Tensor:
        return features.unsqueeze(2)


class LSTMMemory(nn.Module):
    """Long short-term memory (doi:10.1162/neco.1997.9.8.1735) over the steps of an episode. S = 2: output and cell.

    Computes in fp32 under autocast too. `Blocks.Architectures.LSTM` reads the positions of a feature map instead.
    """

    def __init__(self, input_shape: Sequence[int], hidden_dim: int = 128) -> None:
        super().__init__()
        self.output_shape = (hidden_dim,)
        self.cell = nn.LSTMCell(math.prod(input_shape), hidden_dim)

    def forward(self, features: Tensor, carry: Tensor | None, first: Tensor) -> Tensor:
        states = []
        if carry is None:
            carry = features.new_zeros(len(features), 2, *self.output_shape, dtype=torch.float32)
        with torch.autocast(features.device.type, enabled=False):
            for x, begins in zip(features.flatten(2).float().unbind(1), first.unbind(1), strict=True):
                hidden, cell = (carry * ~begins[:, None, None]).unbind(1)
                carry = torch.stack(self.cell(x, (hidden, cell)), 1)
                states.append(carry)
        return torch.stack(states, 1)


LSTM = LSTMMemory  # its name on the command line: agent.memory=LSTM
