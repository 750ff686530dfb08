"""The random generators of Python, NumPy and torch: seeded, saved and restored together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def seed_everything(seed: int) -> None:
    """Seeds the global generators of Python, NumPy and torch (all devices).

    Objects with a generator of their own, such as replays and environments, seed it themselves.
    """
    import random

    import numpy as np
    import torch

    random.seed(seed)
    # libraries draw from NumPy's global generator
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """Returns the state of all generators that `seed_everything` seeds, as nested dicts of arrays and numbers."""
    import random

    import numpy as np
    import torch

    version, internal, gauss = random.getstate()
    return {
        'python': {'version': version, 'internal': np.array(internal), 'gauss': gauss},
        'numpy': np.random.get_state(legacy=False),  # noqa: NPY002
        'torch': torch.get_rng_state().numpy(),
        'cuda': [state.numpy() for state in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Sets all generators to a state that `random_state` returned."""
    import random

    import numpy as np
    import torch

    python = state['python']
    random.setstate((python['version'], tuple(python['internal'].tolist()), python['gauss']))
    np.random.set_state(state['numpy'])  # noqa: NPY002
    torch.set_rng_state(torch.as_tensor(state['torch']))
    if len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([torch.as_tensor(each) for each in state['cuda']])


@contextmanager
def separate_random_state(seed: int) -> Iterator[None]:
    """Context manager: seeds all generators inside the block and restores their state after it."""
    state = random_state()
    seed_everything(seed)
    try:
        yield
    finally:
        restore_random_state(state)
