"""Long short-term memory (doi:10.1162/neco.1997.9.8.1735) over the positions of a feature map, in their order.

`Blocks.Memories.LSTMMemory` is the one over the steps of an episode (`agent.memory=LSTM`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from Blocks.Architectures.AvgPool import optional_head
from Blocks.FeatureMaps import token_grid, tokens


class LSTM(nn.Module):
    """[B, C, *grid] -> [B, hidden_dim]: the output after the last position. Computes in fp32 under autocast too.

    Args:
        depth: number of layers.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_shape: Sequence[int] | None = None,
        hidden_dim: int = 128,
        depth: int = 1,
    ) -> None:
        super().__init__()
        token_grid(input_shape)  # raises if there is but one position
        self.lstm = nn.LSTM(input_shape[0], hidden_dim, depth, batch_first=True)
        self.head = optional_head(hidden_dim, output_shape)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            hidden, _ = self.lstm(tokens(x).float())  # [B, N, D]
        return self.head(hidden[:, -1])
