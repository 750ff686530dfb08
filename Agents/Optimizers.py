"""Optimizers that torch does not have."""

from collections.abc import Callable
from typing import Any

import torch


class Muon(torch.optim.AdamW):
    """Moves matrices by their orthogonalized momentum (K. Jordan 2024, kellerjordan.github.io/posts/muon), all other
    parameters by AdamW. Filters [O, I, h, w] count as matrices [O, I h w].

    One learning rate serves both: steps of matrices are scaled to the size of AdamW's (arXiv:2502.16982, eq. 4).
    torch.optim.Muon takes matrices alone.

    momentum: weight of the old momentum. steps: iterations of `orthogonalize`. adam: further arguments of AdamW.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        steps: int = 5,
        **adam: Any,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, **adam)
        self.momentum, self.steps = momentum, steps

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """Moves every parameter that has a gradient. Returns the closure's value."""
        loss = closure and closure()
        hidden = [
            (group, parameter)
            for group in self.param_groups
            for parameter in group['params']
            if parameter.dim() > 1 and parameter.grad is not None
        ]
        for group, parameter in hidden:
            state = self.state[parameter]
            if not state:
                state |= {'step': torch.zeros(()), 'momentum': torch.zeros_like(parameter)}  # AdamW looks for a step
            buffer = state['momentum']
            buffer.lerp_(parameter.grad, 1 - self.momentum)
            step = orthogonalize(parameter.grad.lerp(buffer, self.momentum).flatten(1), self.steps)  # Nesterov
            parameter.mul_(1 - group['lr'] * group['weight_decay'])
            parameter.sub_(step.view_as(parameter), alpha=0.2 * group['lr'] * max(step.shape) ** 0.5)
            parameter.grad = None  # so that AdamW leaves it
        super().step()
        return loss


def orthogonalize(matrix: torch.Tensor, steps: int) -> torch.Tensor:
    """Returns nearly U V' of a matrix U S V' [n, m] by a Newton-Schulz iteration: its singular values are 0.7..1.2."""
    x = matrix.bfloat16() if matrix.is_cuda else matrix
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).to(matrix.dtype)
