"""Weights in bf16 for passes without gradients, cast when they change and not in every pass, as autocast does."""

import torch
from torch import nn

# A subclass may want its weights as they are.
PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


class Lowered:
    """While it is entered, the plain layers of a module have copies of their weights in bf16.

    Under autocast, results are the same bit for bit. A layer that computes in fp32 under autocast too has to be of a
    subclass (`Blocks.Architectures.MLP.Exact`).
    """

    def __init__(self, module):
        layers = [layer._parameters for layer in module.modules() if type(layer) in PLAIN]
        self.places = [(own, name) for own in layers for name in own if own[name] is not None]
        self.weights = [own[name] for own, name in self.places]
        self.copies, self.versions = None, None

    @torch.no_grad()
    def __enter__(self):
        versions = [(weight._version, weight.data_ptr()) for weight in self.weights]  # what was written, and where
        if versions != self.versions:
            self.copies, self.versions = [weight.to(torch.bfloat16) for weight in self.weights], versions
        for (own, name), copy in zip(self.places, self.copies, strict=True):
            own[name] = copy

    def __exit__(self, *failure):
        for (own, name), weight in zip(self.places, self.weights, strict=True):
            own[name] = weight
