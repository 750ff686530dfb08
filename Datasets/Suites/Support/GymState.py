"""The state of a Gymnasium environment (arXiv:2407.17032), of its wrappers, and of MuJoCo inside it."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from gymnasium import Space
from gymnasium.envs.registration import EnvSpec

from Datasets.Suites.Support.PlainData import Opaque, Packer, Unpacker
from Datasets.Suites.Support.Spaces import children

if TYPE_CHECKING:
    from Datasets.Suites.Support.MuJoCoState import Physics

BUILT = ('env', '_saved_kwargs', '_ezpickle_args', '_ezpickle_kwargs')  # what a layer was built from
FIXED = (EnvSpec, type, types.BuiltinFunctionType, types.ModuleType)  # values of these types do not change
DRAWS = 'gymnasium.envs.mujoco.mujoco_rendering'  # its objects only draw


class GymState:
    """Saves and restores an environment that has just been built, layer by layer from its outermost wrapper.

    The state consists of the layers' attributes, where these are plain data (`PlainData`), Gymnasium's spaces, or
    MuJoCo's model and data. An environment with its own `state()` and `restore(state)` gives plain data instead; its
    `np_random` is saved as well.
    """

    def __init__(self, env: Any) -> None:
        self._layers = [env]
        while self._layers[-1] is not env.unwrapped:
            self._layers.append(self._layers[-1].env)
        own = all(callable(getattr(env.unwrapped, name, None)) for name in ('state', 'restore'))
        self._own: Any = env.unwrapped if own else None
        self._physics: Any = None if own else physics(env.unwrapped)

    def state(self) -> dict[str, Any] | None:
        """Returns plain data; None where an attribute is something else, such as a simulator, or there is none."""
        packer = Packer()
        try:
            layers = [self._take(layer, packer) for layer in self._layers]
        except Opaque:
            return None
        return {'layers': layers, 'physics': self._physics and self._physics.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts an environment that has just been built into this state, without a reset."""
        unpacker = Unpacker()
        for layer, saved in zip(self._layers, state['layers'], strict=True):
            vars(layer).update({name: unpacker(value) for name, value in saved['values'].items()})
            for name, generators in saved['spaces'].items():
                for space, generator in zip(within(vars(layer)[name]), generators, strict=True):
                    space._np_random = unpacker(generator)
            if layer is self._own:
                layer.restore(unpacker(saved['own']))
        if self._physics:
            self._physics.restore(state['physics'])

    def _take(self, layer: Any, packer: Packer) -> dict[str, Any]:
        """Returns the state of one layer. Raises Opaque."""
        if layer is self._own:
            own = layer.state()
            if own is None:
                raise Opaque('no state at present')
            return {'values': {'_np_random': packer(layer._np_random)}, 'spaces': {}, 'own': packer(own)}
        held = {name: value for name, value in vars(layer).items() if name not in BUILT and not self._fixed(value)}
        spaces = {name: held.pop(name) for name, value in list(held.items()) if isinstance(value, Space)}
        return {
            'values': {name: packer(value) for name, value in held.items()},
            'spaces': {name: [packer(part._np_random) for part in within(space)] for name, space in spaces.items()},
        }

    def _fixed(self, value: Any) -> bool:
        """Whether a value stays as it was built, or is saved by Physics."""
        if isinstance(value, types.FunctionType):
            return value.__closure__ is None
        simulated = self._physics and (value is self._physics.model or value is self._physics.data)
        return simulated or isinstance(value, FIXED) or type(value).__module__ == DRAWS


def within(space: Space) -> list[Space]:
    """Returns the space and all spaces inside it: an environment may draw from each of them."""
    return [space, *(inner for _, part in children(space) for inner in within(part))]


def physics(env: Any) -> Physics | None:
    """Returns the Physics of an environment that holds MuJoCo's model and data as Gymnasium's own do, else None."""
    mujoco = sys.modules.get('mujoco')
    if mujoco is None or not isinstance(vars(env).get('data'), mujoco.MjData):
        return None
    from Datasets.Suites.Support.MuJoCoState import Physics

    return Physics(env.model, env.data, lagging=True)
