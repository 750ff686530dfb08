"""Values packed as plain data and unpacked again."""

import json
import random

import numpy as np
import pytest

from Datasets.Suites.Support.PlainData import Opaque, Packer, Unpacker


def packed_and_back(value):
    return Unpacker()(Packer()(value))


@pytest.mark.parametrize(
    'value',
    [
        None,
        True,
        2**200,
        -0.1,
        float('inf'),
        'text',
        (1, (2.5, [None]), []),
        {(0, 1): [1, 'a'], 3: {'b': ()}},
    ],
)
def test_values_come_back_as_they_were(value):
    code = json.loads(json.dumps(Packer()(value)))
    assert Unpacker()(code) == value and type(Unpacker()(code)) is type(value)


@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
        np.array(7, np.uint64),
        np.zeros((0, 2)),
        np.array([[b'S', b'FH']]),
        np.array(['é', 'abc']),
        np.float32(0.1),
        np.bool_(True),
    ],
)
def test_arrays_come_back_as_they_were(array):
    back = packed_and_back(array)
    assert type(back) is type(array) and back.dtype == array.dtype and np.array_equal(back, array)


@pytest.mark.parametrize(
    'generator',
    [
        np.random.default_rng(1),
        np.random.Generator(np.random.MT19937(1)),
        np.random.Generator(np.random.Philox(1)),
        np.random.RandomState(1),
    ],
)
def test_random_generators_go_on(generator):
    generator.normal(size=3)
    back = packed_and_back(generator)
    assert np.array_equal(back.normal(size=5), generator.normal(size=5))


def test_what_was_one_is_one_again():
    array, generator = np.zeros(2), np.random.default_rng(1)
    circle = [array]
    circle.append(circle)
    packer, unpacker = Packer(), Unpacker()
    first, second, third, ring = (unpacker(packer(v)) for v in ((array, generator), {'a': array}, generator, circle))
    assert first[0] is second['a'] is ring[0] and first[1] is third and ring[1] is ring


def test_what_cannot_be_taken_apart_is_named():
    array = np.zeros(4)
    for value, named in (
        (random.Random(1), 'random.Random'),
        ({1, 2}, 'set'),
        (array.astype(object), 'object'),
        (np.frombuffer(bytearray(8), np.uint8), 'memory'),
        ((array, array[1:]), 'memory'),  # to write into one is to write into the other
    ):
        with pytest.raises(Opaque, match=named):
            Packer()(value)
    Packer()((array[:2], array[2:]))  # parts that do not overlap
