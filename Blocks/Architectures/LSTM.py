"""Long short-term memory (doi:10.1162/neco.1997.9.8.1735) over the places of a feature map, read in their order.

What an agent remembers from step to step is `Blocks.Memories.LSTM`.
"""

import torch
from torch import nn

from Blocks.Architectures.AvgPool import head
from Blocks.FeatureMaps import places, tokens


class LSTM(nn.Module):
    """[B, C, *grid] -> [B, hidden_dim]: what it knows after the last place; in fp32 under autocast too."""

    def __init__(self, input_shape, output_shape=None, hidden_dim=128, depth=1):
        super().__init__()
        places(input_shape)
        self.lstm = nn.LSTM(input_shape[0], hidden_dim, depth, batch_first=True)
        self.head = head(hidden_dim, output_shape)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            hidden, _ = self.lstm(tokens(x).float())  # [B, N, D]
        return self.head(hidden[:, -1])
