"""The state of a MuJoCo simulation, from which its next steps are the same bit for bit (doi:10.1109/IROS.2012.6386109).

It is MuJoCo's own `mjSTATE_INTEGRATION`. Positions and velocities alone lack the solver's starting point, and deviate
by 1e-6 in 200 steps.
"""

from __future__ import annotations

import zlib
from typing import Any

import mujoco
import numpy as np

WHOLE = mujoco.mjtState.mjSTATE_INTEGRATION


class Physics:
    """Saves and restores a simulation that has just been built, so that its model is still as the task's files say.

    Arguments:
        model, data: MuJoCo's MjModel and MjData
        lagging: the task reads positions and forces as `mj_step` leaves them, one integration behind the state;
            otherwise they are up to date, as dm_control keeps them
    """

    def __init__(self, model: Any, data: Any, lagging: bool = False) -> None:
        self.model, self.data = model, data
        self._built = {name: checksum(array) for name, array in arrays(model)}
        # Arrays of constraints are empty so far; each step computes them.
        self._derived = [name for name, array in arrays(mujoco.MjData(model)) if array.size] if lagging else []

    def state(self) -> dict[str, Any]:
        """Returns a dict of arrays and numbers: the state, and what a task may have changed in its model."""
        integration = np.empty(mujoco.mj_stateSize(self.model, WHOLE))
        mujoco.mj_getState(self.model, self.data, integration, WHOLE)
        changed = {name: array for name, array in arrays(self.model) if checksum(array) != self._built[name]}
        return {
            'integration': integration,
            'model': {name: array.copy() for name, array in changed.items()},
            'options': {name: np.copy(value) if isinstance(value, np.ndarray) else value
                        for name, value in fields(self.model.opt)},
            'derived': {name: getattr(self.data, name).copy() for name in self._derived},
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Puts a simulation that has just been built into this state."""
        for name, _ in fields(self.model.opt):
            setattr(self.model.opt, name, state['options'][name])
        for name, array in state['model'].items():
            getattr(self.model, name)[...] = array
        mujoco.mj_setState(self.model, self.data, state['integration'], WHOLE)
        mujoco.mj_step1(self.model, self.data)  # derives what the rest of a step starts from
        for name in self._derived:
            getattr(self.data, name)[...] = state['derived'][name]


def arrays(struct: Any) -> list[tuple[str, np.ndarray]]:
    """Returns (name, array) of all arrays of numbers in MuJoCo's model or data."""
    return [(name, value) for name, value in fields(struct)
            if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf']  # fmt: skip


def fields(struct: Any) -> list[tuple[str, Any]]:
    """Returns (name, value) of the public attributes of one of MuJoCo's structs."""
    return [(name, getattr(struct, name)) for name in dir(struct) if not name.startswith('_')]


def checksum(array: np.ndarray) -> int:
    """Returns the CRC-32 of an array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array).data)
