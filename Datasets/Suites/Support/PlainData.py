"""Objects' attributes as plain data and back: nested dicts and lists of numeric arrays and JSON types (RFC 8259)."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

BITS = {kind.__name__: kind for kind in (
    np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64
)}  # fmt: skip


T = TypeVar('T')


class Opaque(Exception):
    """Raised for values that cannot be packed, with the reason."""


class Packer:
    """Packs values one after the other. An object that several of them share is packed once; Unpacker shares it again.

    It knows None, bool, int, float and str, tuples, lists and dicts, NumPy's arrays and scalars of numbers and texts,
    and NumPy's random generators: these types themselves, no subclasses. Raises Opaque for everything else.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, Any]] = {}  # id -> (number, the object, kept so that its id stays taken)
        self._arrays: list[np.ndarray] = []

    def __call__(self, value: Any) -> Any:
        """Returns the value as plain data."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is tuple:
            return {'tuple': [self(item) for item in value]}
        if isinstance(value, np.generic):
            return {'scalar': numbers(np.array(value))}
        if id(value) in self._seen:
            return {'again': self._seen[id(value)][0]}
        self._seen[id(value)] = len(self._seen), value
        if kind is list:
            return [self(item) for item in value]
        if kind is dict:
            return {'dict': [[self(key), self(item)] for key, item in value.items()]}
        if kind is np.random.Generator:
            return {'generator': value.bit_generator.state}
        if kind is np.random.RandomState:
            return {'random_state': value.get_state(legacy=False)}
        if kind is np.ndarray:
            return numbers(self._alone(value))
        raise Opaque(f'a {kind.__module__}.{kind.__qualname__}')

    def _alone(self, array: np.ndarray) -> np.ndarray:
        """Returns the array if it shares its memory with no other."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner.base is not None or any(np.may_share_memory(array, other) for other in self._arrays):
            raise Opaque("a view of another one's memory")
        self._arrays.append(array)
        return array

    def attributes(self, owner: Any) -> dict[str, Any]:
        """Returns {name: packed value} of an object's attributes."""
        return {name: self(value) for name, value in vars(owner).items()}


class Unpacker:
    """Unpacks what a Packer packed, in the same order."""

    def __init__(self) -> None:
        self._seen: list[Any] = []

    def __call__(self, code: Any) -> Any:
        """Returns the value that was packed as `code`."""
        if isinstance(code, list):
            items: list[Any] = self._known([])  # first, since an item may hold the list in turn
            items.extend(self(item) for item in code)
            return items
        if isinstance(code, np.ndarray):
            return self._known(array_of(code))
        if not isinstance(code, dict):
            return code
        ((tag, content),) = code.items()
        if tag == 'tuple':
            return tuple(self(item) for item in content)
        if tag == 'scalar':
            return array_of(content)[()]
        if tag == 'again':
            return self._seen[content]
        if tag == 'dict':
            new: dict[Any, Any] = self._known({})
            new.update((self(key), self(item)) for key, item in content)
            return new
        if tag == 'text':
            return self._known(array_of(code))
        bits = BITS[content['bit_generator']]()
        if tag == 'generator':
            bits.state = content
            return self._known(np.random.Generator(bits))
        random = self._known(np.random.RandomState(bits))  # the tag is 'random_state'
        random.set_state(content)
        return random

    def _known(self, new: T) -> T:
        self._seen.append(new)
        return new


def numbers(array: np.ndarray) -> Any:
    """Returns a copy of an array of numbers, or {'text': [bytes, dtype, shape]} of texts. Raises Opaque for others."""
    if array.dtype.kind in 'biuf' and array.itemsize <= 8:
        return array.copy()
    if array.dtype.kind in 'SU':
        return {'text': [np.frombuffer(array.tobytes(), np.uint8).copy(), array.dtype.str, list(array.shape)]}
    raise Opaque(f'an array of {array.dtype}')


def array_of(code: Any) -> np.ndarray:
    """Returns the array that `numbers` packed."""
    if isinstance(code, np.ndarray):
        return code.copy()
    content, dtype, shape = code['text']
    return np.frombuffer(content.tobytes(), dtype).reshape(shape).copy()
