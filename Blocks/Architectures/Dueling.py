"""Dueling heads (arXiv:1511.06581)."""

from torch import nn

from Blocks.Architectures.MLP import MLP


class Dueling(nn.Module):
    """[B, *input_shape] -> [B, A]: a value and the advantages around their mean (equation 9)."""

    def __init__(self, input_shape, output_shape, hidden_dim=512, depth=1):
        super().__init__()
        self.value = MLP(input_shape, (1,), hidden_dim, depth)
        self.advantage = MLP(input_shape, output_shape, hidden_dim, depth)

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)
