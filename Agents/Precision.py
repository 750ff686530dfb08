"""The precision that an agent computes in: fp32, or bf16 by autocast."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

# A subclass may need its weights as they are.
PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


class Precision:
    """kind: 'fp32' or 'bf16'."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._casts: dict[nn.Module, Bf16Weights] = {}

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """Context for forward passes and losses."""
        return torch.autocast(device.type, torch.bfloat16) if self.kind == 'bf16' else nullcontext()

    def cast_once(self, module: nn.Module | None) -> AbstractContextManager:
        """Context for passes in which a module gets no gradient: its bf16 weights are cast once and kept."""
        if self.kind != 'bf16' or module is None:
            return nullcontext()
        if module not in self._casts:
            self._casts[module] = Bf16Weights(module)
        return self._casts[module]


class Bf16Weights(AbstractContextManager):
    """Within the context, the plain layers of a module hold copies of their weights in bf16.

    The copies are renewed when the weights change, not in every pass as autocast does. Under autocast, results are
    equal bit for bit. A layer that computes in fp32 under autocast too has to be of a subclass
    (`Blocks.Architectures.MLP.Exact`).
    """

    def __init__(self, module: nn.Module) -> None:
        layers: list[dict[str, Any]] = [layer._parameters for layer in module.modules() if type(layer) in PLAIN]
        self.places = [(own, name) for own in layers for name in ('weight', 'bias') if own.get(name) is not None]
        self.weights = [own[name] for own, name in self.places]
        self.copies: list[torch.Tensor] = []
        self.versions: list[tuple[int, int]] = []

    def __enter__(self) -> None:
        versions = [(weight._version, weight.data_ptr()) for weight in self.weights]  # what was written, and where
        if versions != self.versions:
            self.cast()
            self.versions = versions
        self.put(self.copies)

    def __exit__(self, *failure: object) -> None:
        self.put(self.weights)

    def put(self, tensors: Iterable[torch.Tensor]) -> None:
        """Puts tensors in the places of the weights. Ctrl-C in between restores the weights, lest copies are saved."""
        try:
            for (own, name), tensor in zip(self.places, tensors, strict=True):
                own[name] = tensor
        except KeyboardInterrupt:
            self.put(self.weights)
            raise

    @torch.no_grad()
    def cast(self) -> None:
        """Renews the copies. They keep their memory, as CUDA graphs need it, unless the module has moved."""
        if not self.copies or self.copies[0].device != self.weights[0].device:
            self.copies = [torch.empty_like(weight, dtype=torch.bfloat16) for weight in self.weights]
        if self.copies:
            torch._foreach_copy_(self.copies, self.weights)
