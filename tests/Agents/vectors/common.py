"""What the scripts that make the vectors share: inputs, and tensors as vectors.

Vectors are float32, except actions that are int64. Axes: U updates, B samples, T steps, N environments, D and A entries
of observations and actions. Parameters are one vector [P], in the order of layers, weights before biases.
"""

from pathlib import Path

import numpy as np
import torch

UPDATES, BATCH, STEPS, ENVS, OBS, ACTIONS, CHOICES, UNITS = 3, 16, 16, 2, 3, 2, 4, 8
DISCOUNT, TAU, LR = 0.9, 0.05, 1e-2


def batches(seed, discrete):
    """Random batches of three updates: a quarter of the samples are terminals."""
    random = np.random.default_rng(seed)
    shape = (UPDATES, BATCH)
    action = random.integers(CHOICES, size=shape) if discrete else random.uniform(-1, 1, (*shape, ACTIONS))
    noise = random.normal(size=(2, *shape, ACTIONS)).astype(np.float32)  # of the target, and of the actor
    return ({} if discrete else {'noise': noise}) | {
        'obs': random.normal(size=(*shape, OBS)).astype(np.float32),
        'action': action if discrete else action.astype(np.float32),
        'reward': random.normal(size=shape).astype(np.float32),
        'done': (random.random(shape) < 0.25).astype(np.float32),
        'next_obs': random.normal(size=(*shape, OBS)).astype(np.float32),
    }


def spread(*modules, scale=0.4):
    """Draws all parameters, so that policies are far from uniform and values far from 0."""
    for parameter in (p for module in modules for p in module.parameters()):
        torch.nn.init.normal_(parameter, std=scale)


def flat(*modules):
    """Parameters [P] of modules. Layers in a tuple are outputs side by side, as one layer."""
    found = []
    for module in modules:
        if isinstance(module, tuple):
            found += [torch.cat([layer.weight for layer in module]), torch.cat([layer.bias for layer in module])]
        else:
            found += [module] if isinstance(module, torch.Tensor) else list(module.parameters())
    return torch.cat([tensor.detach().flatten() for tensor in found]).numpy().copy()


def save(name, **arrays):
    """Writes a file beside this script."""
    arrays = {key: np.asarray(value) for key, value in arrays.items()}
    arrays = {key: value.astype(np.float32) if value.dtype.kind == 'f' else value for key, value in arrays.items()}
    np.savez_compressed(Path(__file__).parent / f'{name}.npz', **arrays)


class History:
    """Collects named vectors update by update: `stack()` gives each as [U, P]."""

    def __init__(self):
        self.found = {}

    def add(self, **vectors):
        for name, vector in vectors.items():
            self.found.setdefault(name, []).append(vector)

    def stack(self):
        return {name: np.stack(vectors) for name, vectors in self.found.items()}
