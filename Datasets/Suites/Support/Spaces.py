"""Gymnasium's spaces as what agents see and do: arrays, and Spec's fields that describe them (arXiv:2407.17032)."""

from functools import reduce
from operator import getitem

import numpy as np

from Datasets.Experience import Part
from Support.Errors import UserError


def observation(id, space):
    """Gymnasium space -> (function from its observations to arrays, fields of Spec). Raises UserError.

    An image (uint8 Box of 2 or 3 dimensions) is uint8 [C, H, W]; a Dict or Tuple that holds one is a record; all else
    that Gymnasium flattens is one vector.
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
        return lambda obs: flatten(space, obs), dict(obs_shape=(flatdim(space),), obs_dtype='float32')
    raise UserError(f'gym.id={id} has observations of a kind that is not supported: {space}; wrap it so that they are '
                    'a Box, Discrete, or a Dict or Tuple of these')  # fmt: skip


def record(id, spaces):
    """Spaces by their path -> (function from observations to the bytes of all, in the order of names, fields of Spec).

    Raises UserError."""
    paths = sorted(spaces, key=name)
    convert, fields = zip(*(observation(id, spaces[path]) for path in paths), strict=True)
    parts = tuple(Part(name(path), field['obs_shape'], field['obs_dtype'])
                  for path, field in zip(paths, fields, strict=True))  # fmt: skip

    def pack(obs):
        values = (function(reduce(getitem, path, obs)) for path, function in zip(paths, convert, strict=True))
        return np.concatenate([
            np.ascontiguousarray(value, part.dtype).reshape(-1).view(np.uint8)
            for value, part in zip(values, parts, strict=True)
        ])  # fmt: skip

    size = sum(int(np.prod(part.shape)) * np.dtype(part.dtype).itemsize for part in parts)
    return pack, dict(obs_shape=(size,), obs_dtype='uint8', parts=parts)


def leaves(space, path=()):
    """The spaces that a Dict or Tuple is made of, however deep: {path: space}; of another one itself, at ()."""
    return {place: leaf for key, part in children(space) for place, leaf in leaves(part, (*path, key)).items()} or {
        path: space
    }


def children(space):
    """(key, space) of what a Dict or Tuple holds."""
    from gymnasium.spaces import Dict, Tuple

    if isinstance(space, Dict):
        return list(space.items())
    return list(enumerate(space)) if isinstance(space, Tuple) else []


def name(path):
    """'arm.camera' of ('arm', 'camera')."""
    return '.'.join(map(str, path))


def is_image(space):
    from gymnasium.spaces import Box

    return isinstance(space, Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def is_numeric(space):
    """Whether a space's observations are numbers, so that `flatten` makes a sensible vector of them."""
    from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

    return isinstance(space, (Box, Discrete, MultiBinary, MultiDiscrete))


def actions(id, space):
    """Gymnasium space -> (function from a batch of the agent's actions to the environments', fields of Spec).

    Discrete is an index, a bounded Box a vector in [-1, 1]; a MultiDiscrete, or a Dict or Tuple of all of these, is a
    vector too: first the entries of the boxes, then a one-hot of each choice. Raises UserError.
    """
    from gymnasium.spaces import Box, Discrete

    if isinstance(space, Discrete):
        start = int(space.start)
        return lambda action: np.asarray(action).astype(np.int64) + start, dict(
            action_shape=(), num_actions=int(space.n)
        )
    if isinstance(space, Box):
        act, size, _ = head(id, space)
        bounds = dict(low=space.low.reshape(-1).astype(np.float32), high=space.high.reshape(-1).astype(np.float32))
        return act, dict(action_shape=(size,), num_actions=None, **bounds)

    parts = sorted(leaves(space).items(), key=lambda leaf: not isinstance(leaf[1], Box))  # boxes first
    acts, sizes, one_hots = zip(*(head(id, leaf) for _, leaf in parts), strict=True)

    def act(action):  # [N, A] -> N actions
        values = [act(own) for act, own in zip(acts, np.split(action, np.cumsum(sizes)[:-1], -1), strict=True)]
        rows = zip(*values, strict=True)
        return [nest(space, dict(zip((path for path, _ in parts), row, strict=True))) for row in rows]

    return act, dict(action_shape=(sum(sizes),), num_actions=None, one_hots=sum(one_hots, ()))


def head(id, space):
    """One head of an action -> (function from vectors [N, A] to its actions, A, sizes of its one-hots).

    Raises UserError."""
    from gymnasium.spaces import Box, Discrete, MultiDiscrete

    if isinstance(space, (Discrete, MultiDiscrete)):
        one_hots = tuple(np.ravel(space.n if isinstance(space, Discrete) else space.nvec).tolist())

        def choose(action):  # [N, A], a one-hot after the other -> [N, *shape]
            index = [choice.argmax(-1) for choice in np.split(action, np.cumsum(one_hots)[:-1], -1)]
            return (np.stack(index, -1).reshape(-1, *space.shape) + space.start).astype(space.dtype)

        return choose, sum(one_hots), one_hots
    if isinstance(space, Box) and space.dtype.kind == 'f' and np.isfinite([space.low, space.high]).all():
        low, high = space.low.reshape(-1), space.high.reshape(-1)

        def rescale(action):  # [N, A] in [-1, 1] -> [N, *shape] in low..high
            unit = (np.clip(action, -1, 1) + 1) / 2
            return (low + unit * (high - low)).astype(space.dtype).reshape(-1, *space.shape)

        return rescale, low.size, ()
    raise UserError(f'gym.id={id} has actions of a kind that is not supported: {space}; wrap it so that they are '
                    'Discrete, MultiDiscrete, a Box of floats with finite bounds, '
                    'or a Dict or Tuple of these')  # fmt: skip


def nest(space, values, path=()):
    """The action of a space from those of its leaves, {path: action}."""
    from gymnasium.spaces import Dict, Tuple

    inner = {key: nest(part, values, (*path, key)) for key, part in children(space)}
    return inner if isinstance(space, Dict) else tuple(inner.values()) if isinstance(space, Tuple) else values[path]
