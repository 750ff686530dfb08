"""The random generators of Python, NumPy and torch: seeded, saved and restored together."""

from contextlib import contextmanager


def seed_everything(seed):
    """Seeds Python, NumPy and torch on all devices. Generators of their own are seeded by their owners."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    # libraries draw from NumPy's global generator
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)


def chance():
    """The state of all that `seed_everything` seeds, as nested dicts of arrays and numbers."""
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


def restore_chance(state):
    """What is drawn next is what was drawn after `chance()`."""
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
def own_chance(seed):
    """What is drawn in the block is of its own seed, and leaves no trace outside."""
    state = chance()
    seed_everything(seed)
    try:
        yield
    finally:
        restore_chance(state)
