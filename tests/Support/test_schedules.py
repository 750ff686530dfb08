"""Schedules."""

import math

import pytest
import torch

from Support.Errors import UserError
from Support.Schedules import extremes, schedule


@pytest.mark.parametrize(
    ('value', 'step', 'expected'),
    [
        (0.1, 10**9, 0.1),
        (1, 0, 1.0),
        ('0.3', 5, 0.3),
        ('linear(1.0,0.1,100)', 0, 1.0),
        ('linear(1.0,0.1,100)', 50, 0.55),
        ('linear(1.0, 0.1, 100)', 1000, 0.1),
        ('linear(1.0,0.1,0)', 0, 0.1),
        ('step_linear(1,0.5,10,0.1,20)', 5, 0.75),
        ('step_linear(1,0.5,10,0.1,20)', 10, 0.5),
        ('step_linear(1,0.5,10,0.1,20)', 20, 0.3),
        ('step_linear(1,0.5,10,0.1,20)', 99, 0.1),
        ('exponential(16,1,4)', 0, 16),  # a half of it at every step
        ('exponential(16,1,4)', 1, 8),
        ('exponential(16, 1, 4)', 3, 2),
        ('exponential(16,1,4)', 5, 1),
        ('exponential(1,16,4)', 3, 8),
        ('exponential(0.2,0.95,4,1)', 2, 0.8),  # 1 - it: 0.8, 0.4, 0.2, 0.1, 0.05
        ('exponential(0.2,0.95,4,1)', 4, 0.95),
        ('cycle(10,exponential(16,1,4))', 9, 1),
        ('cycle(10,exponential(16,1,4))', 10, 16),
        ('cycle(10,exponential(16,1,4))', 22, 4),
        ('cycle(3, linear(0,1,4))', 5, 0.5),
        ('cycle(10,7)', 5, 7),
        ('cosine(2,0,8)', 2, 1 + math.sqrt(0.5)),
        ('cosine(2,0,8)', 4, 1),
        ('cosine(2,1,12,4)', 3, 1.5),  # linearly up in 4 steps, down in the other 8
        ('cosine(2,1,12,4)', 8, 1.5),
        ('cosine(2,1,12,4)', 99, 1),
        ('one_cycle(1,100)', 0, 0.04),
        ('one_cycle(1,100)', 30, 1),
        ('one_cycle(1,100)', 65, (1 + 4e-6) / 2),
        ('stairs(1,0.1,10,2)', 9, 1),
        ('stairs(1,0.1,10,2)', 10, 0.1),
        ('stairs(1,0.1,10,2)', 99, 0.01),
    ],
)
def test_schedule(value, step, expected):
    assert schedule(value, step) == pytest.approx(expected)


@pytest.mark.parametrize('step', [0, 10, 30, 70, 100])
def test_one_cycle_is_torchs(step):

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=1001)
    for _ in range(10 * step):
        optimizer.step()
        cycle.step()
    # torch's ramps are a step shorter each
    assert schedule('one_cycle(0.5,1000)', 10 * step) == pytest.approx(cycle.get_last_lr()[0], rel=0.02, abs=1e-4)


@pytest.mark.parametrize(
    ('value', 'least', 'greatest'),
    [(3, 3, 3), ('step_linear(1,5,10,-2,20)', -2, 5), ('cycle(10,exponential(10,3,4))', 3, 10)],
)
def test_extremes_of_a_schedule(value, least, greatest):
    assert extremes(value) == (least, greatest)


@pytest.mark.parametrize(
    'value',
    [
        *('linear(1,2)', 'linear(1,2,3,4)', 'linear(a,b,c)', 'linear(nan,1,5)', 'sine(1,2,3)', 'fast', '', '1,2'),
        *('exponential(1,0,5)', 'exponential(-1,1,5)', 'exponential(0.9,1.1,5,1)'),  # no factor leads through the limit
        *('cosine(1,0)', 'cosine(1,0,5,6)', 'one_cycle(1)', 'stairs(1,0.1,10,1.5)'),
        *('cycle(5)', 'cycle(0,linear(1,0,5))', 'cycle(x,3)', 'cycle(5,cycle(3,linear(1,0,2)))'),
    ],
)
def test_no_schedule(value):
    with pytest.raises(UserError, match='no schedule'):
        schedule(value, 0)
