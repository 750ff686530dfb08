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
        self.places = [(own, name) for own in layers for name in ('weight', 'bias') if own.get(name) is not None]
        self.weights = [own[name] for own, name in self.places]
        self.copies, self.versions = [], []

    def __enter__(self):
        versions = [(weight._version, weight.data_ptr()) for weight in self.weights]  # what was written, and where
        if versions != self.versions:
            self.cast()
            self.versions = versions
        self.put(self.copies)

    def __exit__(self, *failure):
        self.put(self.weights)

    def put(self, tensors):
        """In the places of the weights, all of them: after Ctrl-C in between, half of the copies would be saved."""
        try:
            for (own, name), tensor in zip(self.places, tensors, strict=True):
                own[name] = tensor
        except KeyboardInterrupt:
            self.put(self.weights)
            raise

    @torch.no_grad()
    def cast(self):
        """The copies stay where they are, as CUDA graphs want it, unless the module has moved."""
        if not self.copies or self.copies[0].device != self.weights[0].device:
            self.copies = [torch.empty_like(weight, dtype=torch.bfloat16) for weight in self.weights]
        if self.copies:
            torch._foreach_copy_(self.copies, self.weights)
