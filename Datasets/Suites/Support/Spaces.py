"""Gymnasium's spaces as arrays that agents observe and act with, and the fields of Spec for them (arXiv:2407.17032)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import chain
from operator import getitem
from typing import Any

import numpy as np

from Datasets.Experience import Part
from Support.Errors import UserError


def observation(id: str, space: Any) -> tuple[Callable[[Any], np.ndarray], dict[str, Any]]:
    """Returns a function from a space's observations to arrays, and the fields of Spec for them. Raises UserError.

    An image (uint8 Box of 2 or 3 dimensions) becomes uint8 [C, H, W], a Dict or Tuple that holds one becomes a record,
    and everything else that Gymnasium flattens becomes one vector.
    """
    from gymnasium.spaces import Box
    from gymnasium.spaces.utils import flatdim, flatten

    parts = leaves(space)
    if children(space) and any(is_image(part) for part in parts.values()):
        return record(id, parts)
    if is_image(space):
        if len(space.shape) == 2:
            return lambda obs: obs[None], dict(obs_shape=(1, *space.shape), obs_dtype='uint8')
        if space.shape[2] in (1, 3, 4):  # channels last, as Gymnasium's own images are
            shape = (space.shape[2], *space.shape[:2])
            return lambda obs: np.moveaxis(obs, 2, 0), dict(obs_shape=shape, obs_dtype='uint8')
        return np.asarray, dict(obs_shape=space.shape, obs_dtype='uint8')
    if isinstance(space, Box) and len(space.shape) == 1:
        return np.asarray, dict(obs_shape=space.shape, obs_dtype='float32')
    if all(is_numeric(part) for part in parts.values()):
        return lambda obs: np.asarray(flatten(space, obs)), dict(obs_shape=(flatdim(space),), obs_dtype='float32')
    raise UserError(f'gym.id={id} has observations of a kind that is not supported: {space}; wrap it so that they are '
                    'a Box, Discrete, or a Dict or Tuple of these')  # fmt: skip


def record(id: str, spaces: dict[tuple, Any]) -> tuple[Callable[[Any], np.ndarray], dict[str, Any]]:
    """Returns a function from observations to records, and the fields of Spec for them. Raises UserError.

    spaces: by their path. A record holds the bytes of all of them, in the order of their names.
    """
    paths = sorted(spaces, key=name)
    convert, fields = zip(*(observation(id, spaces[path]) for path in paths), strict=True)
    parts = tuple(Part(name(path), field['obs_shape'], field['obs_dtype'])
                  for path, field in zip(paths, fields, strict=True))  # fmt: skip

    def pack(obs: Any) -> np.ndarray:
        values = (function(reduce(getitem, path, obs)) for path, function in zip(paths, convert, strict=True))
        return np.concatenate([
            np.ascontiguousarray(value, part.dtype).reshape(-1).view(np.uint8)
            for value, part in zip(values, parts, strict=True)
        ])  # fmt: skip

    size = sum(int(np.prod(part.shape)) * np.dtype(part.dtype).itemsize for part in parts)
    return pack, dict(obs_shape=(size,), obs_dtype='uint8', parts=parts)


def leaves(space: Any, path: tuple = ()) -> dict[tuple, Any]:
    """Returns the spaces inside a Dict or Tuple, however deep, as {path: space}; another space itself, at ()."""
    return {place: leaf for key, part in children(space) for place, leaf in leaves(part, (*path, key)).items()} or {
        path: space
    }


def children(space: Any) -> list[tuple[Any, Any]]:
    """Returns (key, space) of the spaces directly inside a Dict or Tuple; [] for another space."""
    from gymnasium.spaces import Dict, Tuple

    if isinstance(space, Dict):
        return list(space.items())
    return list(enumerate(space)) if isinstance(space, Tuple) else []


def name(path: Iterable) -> str:
    """Returns 'arm.camera' for ('arm', 'camera')."""
    return '.'.join(map(str, path))


def is_image(space: Any) -> bool:
    """Returns whether a space's observations are images."""
    from gymnasium.spaces import Box

    return isinstance(space, Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def is_numeric(space: Any) -> bool:
    """Returns whether a space's observations are numbers, so that `flatten` makes a sensible vector of them."""
    from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

    return isinstance(space, (Box, Discrete, MultiBinary, MultiDiscrete))


def actions(id: str, space: Any) -> tuple[Callable[[np.ndarray], Any], dict[str, Any]]:
    """Returns a function from a batch of the agent's actions to the environments', and the fields of Spec for them.

    Discrete is an index, a bounded Box a vector in [-1, 1]. A MultiDiscrete, or a Dict or Tuple of all of these, is a
    vector too: first the entries of the boxes, then a one-hot of each choice. Raises UserError.
    """
    from gymnasium.spaces import Box, Discrete

    if isinstance(space, Discrete):
        start = int(space.start)
        return lambda action: np.asarray(action).astype(np.int64) + start, dict(
            action_shape=(), num_actions=int(space.n)
        )
    if isinstance(space, Box):
        rescale, size, _ = head(id, space)
        bounds = dict(low=space.low.reshape(-1).astype(np.float32), high=space.high.reshape(-1).astype(np.float32))
        return rescale, dict(action_shape=(size,), num_actions=None, **bounds)

    parts = sorted(leaves(space).items(), key=lambda leaf: not isinstance(leaf[1], Box))  # boxes first
    acts, sizes, one_hots = zip(*(head(id, leaf) for _, leaf in parts), strict=True)

    def act(action: np.ndarray) -> list[Any]:  # [N, A] -> N actions
        values = [act(own) for act, own in zip(acts, np.split(action, np.cumsum(sizes)[:-1], -1), strict=True)]
        rows = zip(*values, strict=True)
        return [nest(space, dict(zip((path for path, _ in parts), row, strict=True))) for row in rows]

    return act, dict(action_shape=(sum(sizes),), num_actions=None, one_hots=tuple(chain(*one_hots)))


def head(id: str, space: Any) -> tuple[Callable[[np.ndarray], np.ndarray], int, tuple[int, ...]]:
    """Returns a function from vectors [N, A] to one space's actions, A, and the sizes of its one-hots.

    Raises UserError.
    """
    from gymnasium.spaces import Box, Discrete, MultiDiscrete

    if isinstance(space, (Discrete, MultiDiscrete)):
        one_hots: tuple[int, ...] = tuple(np.ravel(space.n if isinstance(space, Discrete) else space.nvec).tolist())

        shape = space.shape or ()

        def choose(action: np.ndarray) -> np.ndarray:  # [N, A], a one-hot after the other -> [N, *shape]
            index = [choice.argmax(-1) for choice in np.split(action, np.cumsum(one_hots)[:-1], -1)]
            return (np.stack(index, -1).reshape((-1, *shape)) + space.start).astype(space.dtype)

        return choose, sum(one_hots), one_hots
    if isinstance(space, Box) and space.dtype.kind == 'f' and np.isfinite([space.low, space.high]).all():
        low, high = space.low.reshape(-1), space.high.reshape(-1)

        def rescale(action: np.ndarray) -> np.ndarray:  # [N, A] in [-1, 1] -> [N, *shape] in low..high
            unit = (np.clip(action, -1, 1) + 1) / 2
            return (low + unit * (high - low)).astype(space.dtype).reshape(-1, *space.shape)

        return rescale, low.size, ()
    raise UserError(f'gym.id={id} has actions of a kind that is not supported: {space}; wrap it so that they are '
                    'Discrete, MultiDiscrete, a Box of floats with finite bounds, '
                    'or a Dict or Tuple of these')  # fmt: skip


def nest(space: Any, values: dict[tuple, Any], path: tuple = ()) -> Any:
    """Returns the action of a space from those of its leaves, {path: action}."""
    from gymnasium.spaces import Dict, Tuple

    inner = {key: nest(part, values, (*path, key)) for key, part in children(space)}
    return inner if isinstance(space, Dict) else tuple(inner.values()) if isinstance(space, Tuple) else values[path]
