"""Memories: what an agent keeps of an episode's earlier features.

    states = memory(features [B, T, *input_shape], carry, first [B, T])     [B, T, S, *output_shape]

The output of a step is states[:, :, 0]; `carry` [B, S, ...] is the state before the first step, None at the very start.
`first` (bool) tells where an episode begins, and everything before is forgotten.
"""

import torch
from torch import nn

from Blocks.Shapes import size


class Forgetful(nn.Module):
    """No memory: each step is seen alone."""

    def __init__(self, input_shape, hidden_dim=None):
        super().__init__()
        self.output_shape = tuple(input_shape)

    def forward(self, features, carry, first):
        return features.unsqueeze(2)


class LSTM(nn.Module):
    """Long short-term memory (doi:10.1162/neco.1997.9.8.1735); in fp32 under autocast too."""

    def __init__(self, input_shape, hidden_dim=128):
        super().__init__()
        self.output_shape = (hidden_dim,)
        self.cell = nn.LSTMCell(size(input_shape), hidden_dim)

    def forward(self, features, carry, first):
        states = []
        if carry is None:
            carry = features.new_zeros(len(features), 2, *self.output_shape, dtype=torch.float32)
        with torch.autocast(features.device.type, enabled=False):
            for x, begins in zip(features.flatten(2).float().unbind(1), first.unbind(1), strict=True):
                hidden, cell = (carry * ~begins[:, None, None]).unbind(1)
                carry = torch.stack(self.cell(x, (hidden, cell)), 1)
                states.append(carry)
        return torch.stack(states, 1)
