"""What objects hold as plain data, and back: nested dicts and lists of numeric arrays and JSON's types (RFC 8259)."""

import numpy as np

BITS = {kind.__name__: kind for kind in (
    np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64
)}  # fmt: skip


class Opaque(Exception):
    """Something that cannot be taken apart, and why not."""


class Packer:
    """Takes values apart, one after the other; what two of them share is packed once, and Unpacker shares it again.

    It knows None, bool, int, float and str, tuples, lists and dicts, NumPy's arrays and scalars of numbers and texts,
    and NumPy's random generators: these types themselves, no subclasses. Raises Opaque for all else.
    """

    def __init__(self):
        self._seen, self._arrays = {}, []  # id -> (number, the thing itself, lest another one gets its id)

    def __call__(self, value):
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

    def _alone(self, array):
        """The array, if nothing but it changes with it."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner.base is not None or any(np.may_share_memory(array, other) for other in self._arrays):
            raise Opaque("a view of another one's memory")
        self._arrays.append(array)
        return array

    def attributes(self, thing, skip=()):
        """{name: packed value} of what an object holds, but for these names."""
        return {name: self(value) for name, value in vars(thing).items() if name not in skip}


class Unpacker:
    """Gives back, in their order, the values that a Packer took apart."""

    def __init__(self):
        self._seen = []

    def __call__(self, code):
        if isinstance(code, list):
            new = self._known([])  # before its items, which may hold it in turn
            new.extend(self(item) for item in code)
            return new
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
            new = self._known({})
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

    def _known(self, new):
        self._seen.append(new)
        return new


def numbers(array):
    """A copy of an array of numbers; of texts {'text': [bytes, dtype, shape]}. Raises Opaque for other dtypes."""
    if array.dtype.kind in 'biuf' and array.itemsize <= 8:
        return array.copy()
    if array.dtype.kind in 'SU':
        return {'text': [np.frombuffer(array.tobytes(), np.uint8).copy(), array.dtype.str, list(array.shape)]}
    raise Opaque(f'an array of {array.dtype}')


def array_of(code):
    """The array that `numbers` was given."""
    if isinstance(code, np.ndarray):
        return code.copy()
    content, dtype, shape = code['text']
    return np.frombuffer(content.tobytes(), dtype).reshape(shape).copy()
