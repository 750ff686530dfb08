"""Dueling heads (arXiv:1511.06581)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from Blocks.Architectures.MLP import MLP
from Blocks.Shapes import Block, build


class Dueling(nn.Module):
    """[B, *input_shape] -> [B, A, ...]: a value plus advantages of mean 0 (equation 9), each by a network `head`."""

    def __init__(
        self, input_shape: Sequence[int], output_shape: Sequence[int], head: Block = MLP, hidden_dim: int = 512
    ) -> None:
        super().__init__()
        self.value = build(head, input_shape, (1, *output_shape[1:]), hidden_dim=hidden_dim)
        self.advantage = build(head, input_shape, output_shape, hidden_dim=hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)
