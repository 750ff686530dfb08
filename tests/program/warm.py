"""Imports what a run imports sooner or later; the server of runs.py does so once, before it forks.

Neither mujoco nor dm_control: their import fixes which OpenGL draws, which each run finds out for itself.
"""

import gc
import importlib

OURS = ('Run', 'Agents', 'Blocks.Architectures', 'Environment')  # Run first: it sets what torch reads as it loads
THEIRS = ('ale_py', 'gymnasium', 'hydra', 'matplotlib.pyplot', 'pandas', 'pytest', 'sklearn.datasets', 'torch._dynamo',
          'torch.utils.tensorboard', 'torchvision.transforms.v2')  # fmt: skip

for name in (*OURS, *THEIRS):
    importlib.import_module(name)
gc.collect()
gc.freeze()  # no collection in a run looks at all this again
