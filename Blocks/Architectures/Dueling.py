"""Dueling heads (arXiv:1511.06581)."""

from torch import nn

from Blocks.Architectures.MLP import MLP
from Blocks.Shapes import build


class Dueling(nn.Module):
    """[B, *input_shape] -> [B, A, ...]: a value and the advantages around their mean (equation 9), by a `head` each."""

    def __init__(self, input_shape, output_shape, head=MLP, hidden_dim=512):
        super().__init__()
        self.value = build(head, input_shape, (1, *output_shape[1:]), hidden_dim=hidden_dim)
        self.advantage = build(head, input_shape, output_shape, hidden_dim=hidden_dim)

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)
