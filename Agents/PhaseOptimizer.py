"""Optimizer steps: learning rates, parameter groups, clipping and accumulation of gradients."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from Agents.Accumulator import Accumulator
from Agents.Phase import Phase
from Support.Errors import UserError, one_line
from Support.Schedules import schedule


class PhaseOptimizer:
    """Trains the parts of a creator, phase by phase.

    Arguments:
        creator: module whose named children are the parts.
        phases: what each step trains.
        lr: learning rate, a number or a schedule over agent steps.
        optimizer: a torch.optim class or a partial of one.
        weight_decay: decoupled; see `parameter_groups`.
        rates: part -> factor of lr, a number or a schedule; while it is 0 the part is frozen.
        clip_grad_norm: largest norm of a phase's gradient; None: no clipping.
        accumulate: updates whose mean gradient makes one optimizer step.
    Raises UserError if `rates` names a part that does not exist.
    """

    def __init__(
        self,
        creator: nn.Module,
        phases: tuple[Phase, ...],
        lr: float | str,
        optimizer: Callable[..., torch.optim.Optimizer],
        weight_decay: float = 0.0,
        rates: dict[str, float | str] | None = None,
        clip_grad_norm: float | None = None,
        accumulate: int = 1,
    ) -> None:
        self.creator, self.phases, self.lr, self.clip_grad_norm = creator, phases, lr, clip_grad_norm
        self.rates = {name: rate for name, rate in (rates or {}).items() if rate != 1}
        parts = [name for name, _ in creator.named_children()]
        for name in self.rates:
            if name not in parts:
                raise UserError(f"No part '{name}' for agent.rates: here they are {', '.join(parts)}.")
        self.accumulator = Accumulator(accumulate) if accumulate > 1 else None
        fused = {'fused': True} if 'fused' in inspect.signature(optimizer).parameters else {}  # one pass, not ten
        self._build = partial(optimizer, lr=schedule(lr, 0), **fused)
        self._weight_decay = weight_decay
        self._optimizer: torch.optim.Optimizer | None = None
        self._trained: dict[Phase, dict[str, list[nn.Parameter]]] | None = None

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The torch optimizer of all parts, built at first use: torch.optim then imports its compiler (1.4 s).

        Raises UserError if it cannot be built."""
        if self._optimizer is None:
            creator = self.creator
            parts = dict(creator.named_children()) if self.rates else {'creator': creator}  # few groups are fast
            try:
                self._optimizer = self._build(parameter_groups(parts, self._weight_decay))
            except (TypeError, ValueError) as error:
                raise UserError(f'agent.optimizer cannot be built: {one_line(error)}') from error
        return self._optimizer

    @property
    def trained(self) -> dict[Phase, dict[str, list[nn.Parameter]]]:
        """The parameters that each phase trains, by part."""
        if self._trained is None:
            self._trained = {
                phase: {part: list(getattr(self.creator, part).parameters()) for part in phase.trains}
                for phase in self.phases
            }
        return self._trained

    def rate(self, part: str, step: int) -> float:
        """Factor of the learning rate of a part at an agent step."""
        return schedule(self.rates.get(part, 1.0), step)

    def step(self, loss: torch.Tensor, phase: Phase, step: int) -> None:
        """Moves what the phase trains down the gradient of the loss. Other parts get no gradient, so they stay.

        step: the agent's, for schedules."""
        parts = {part: own for part, own in self.trained[phase].items() if own and self.rate(part, step)}
        parameters = [parameter for own in parts.values() for parameter in own]
        if not parameters:  # all of it is frozen
            return
        for group in self.optimizer.param_groups:
            group['lr'] = schedule(self.lr, step) * self.rate(group['part'], step)
        loss.backward(inputs=parameters)
        if self.accumulator and not self.accumulator.full(phase, parameters):
            return
        if self.clip_grad_norm:
            nn.utils.clip_grad_norm_(parameters, self.clip_grad_norm)
        self.optimizer.step()
        torch.autograd.graph.increment_version(parameters)  # fused steps do not: copies of weights would be stale
        self.optimizer.zero_grad(set_to_none=True)

    def forget(self, module: nn.Module | None) -> None:
        """Drops the optimizer's moments of a module's parameters."""
        for parameter in module.parameters() if module else ():
            self.optimizer.state.pop(parameter, None)

    def state(self) -> list[Any] | None:
        """Gradients that are accumulated but not used yet; the optimizer's own state is saved apart."""
        return self.accumulator.state(self.trained) if self.accumulator else None

    def restore(self, state: list[Any] | None) -> None:
        """Resumes from a `state()`."""
        if self.accumulator and state:
            self.accumulator.restore(state, self.trained)


def parameter_groups(parts: dict[str, nn.Module], weight_decay: float) -> list[dict[str, Any]]:
    """Returns the parameters as torch.optim takes them: [{'params', 'part', 'weight_decay'}].

    Only matrices and filters decay. Norms, biases and other vectors do not, since their scale is free
    (arXiv:1812.01187, section 3.1). Without decay each part is one group.

    parts: name -> module. A parameter that two parts share belongs to the first.
    """
    seen: set[nn.Parameter] = set()
    found = []
    for part, module in parts.items():
        own = [parameter for parameter in module.parameters() if parameter not in seen]
        seen.update(own)
        matrices = [parameter for parameter in own if parameter.dim() > 1 or not weight_decay]
        vectors = [parameter for parameter in own if parameter.dim() <= 1 and weight_decay]
        for params, decay in ((matrices, weight_decay), (vectors, 0.0)):
            if params:
                found.append({'params': params, 'part': part, 'weight_decay': decay})
    return found
