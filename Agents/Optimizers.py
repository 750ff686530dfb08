"""Which parameters decay, and an optimiser that torch does not have for all shapes."""

import torch


def groups(parts, weight_decay):
    """Parameters by part, as torch.optim takes them: [{'params', 'part', 'weight_decay'}].

    Norms, biases and other vectors do not decay: decay is to keep what is multiplied small, and their scale is free
    (arXiv:1812.01187, section 3.1). Without decay each part is one group.

    parts: name -> module. A parameter of two parts counts to the first.
    """
    seen, found = set(), []
    for part, module in parts.items():
        own = [parameter for parameter in module.parameters() if parameter not in seen]
        seen.update(own)
        matrices = [parameter for parameter in own if parameter.dim() > 1 or not weight_decay]
        vectors = [parameter for parameter in own if parameter.dim() <= 1 and weight_decay]
        for params, decay in ((matrices, weight_decay), (vectors, 0.0)):
            if params:
                found.append({'params': params, 'part': part, 'weight_decay': decay})
    return found


class Accumulator:
    """Sums gradients over `count` updates before a step is taken; for each phase apart, since they share parameters."""

    def __init__(self, count):
        self.count, self.sums, self.calls = count, {}, {}

    def full(self, phase, parameters):
        """Takes the parameters' gradients away; at every `count`-th call gives back the mean of those it took."""
        sums = self.sums.setdefault(phase, {})
        for parameter in parameters:
            if parameter.grad is not None:
                share = parameter.grad / self.count
                sums[parameter] = sums[parameter] + share if parameter in sums else share
                parameter.grad = None
        self.calls[phase] = self.calls.get(phase, 0) + 1
        if self.calls[phase] % self.count:
            return False
        for parameter, total in self.sums.pop(phase).items():
            parameter.grad = total
        return True

    def state(self, trained):
        """Calls and sums of each phase; `trained`: phase -> parts -> parameters, as the agent has them."""
        return [[self.calls.get(phase, 0), [self.sums.get(phase, {}).get(parameter) for parameter in flat(parts)]]
                for phase, parts in trained.items()]  # fmt: skip

    def restore(self, state, trained):
        """Goes on from a `state()`."""
        for (calls, sums), (phase, parts) in zip(state, trained.items(), strict=True):
            pairs = zip(flat(parts), sums, strict=True)
            self.calls[phase] = calls
            self.sums[phase] = {each: laid_out(total, each) for each, total in pairs if total is not None}


def laid_out(value, parameter):
    """A tensor of a parameter's shape, on its device and in memory as it is: fused optimisers go through both in the
    order of memory, and do not look whether that is the same."""
    return torch.empty_like(parameter).copy_(value)


def flat(parts):
    return [parameter for own in parts.values() for parameter in own]


class Muon(torch.optim.AdamW):
    """Matrices move by their orthogonalised momentum (K. Jordan 2024, kellerjordan.github.io/posts/muon), all else by
    AdamW. Filters [O, I, h, w] count as matrices [O, I h w].

    One learning rate serves both: steps of matrices are scaled to the size of AdamW's (arXiv:2502.16982, eq. 4).
    torch.optim.Muon takes matrices alone.
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.0, momentum=0.95, steps=5, **adam):
        super().__init__(params, lr=lr, weight_decay=weight_decay, **adam)
        self.momentum, self.steps = momentum, steps

    @torch.no_grad()
    def step(self, closure=None):
        """As torch.optim has it: of every parameter that has a gradient -> what the closure gave."""
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
            step = orthogonalized(parameter.grad.lerp(buffer, self.momentum).flatten(1), self.steps)  # Nesterov's
            parameter.mul_(1 - group['lr'] * group['weight_decay'])
            parameter.sub_(step.view_as(parameter), alpha=0.2 * group['lr'] * max(step.shape) ** 0.5)
            parameter.grad = None  # it is done
        super().step()
        return loss


def orthogonalized(matrix, steps):
    """Nearly U V' of a matrix U S V' [n, m], by Newton and Schulz's iteration; singular values are then 0.7..1.2."""
    x = matrix.bfloat16() if matrix.is_cuda else matrix
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).to(matrix.dtype)
