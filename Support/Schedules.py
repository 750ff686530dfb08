"""Values that change over steps: constants, ramps, cosines, stairs and cycles, written as text."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import NamedTuple

from Support.Errors import UserError


class Schedule(NamedTuple):
    """Values, the steps from each to the next, and a function (start, end, share of the steps) -> value for between.

    It repeats after each `period`.
    """

    values: tuple[float, ...]
    steps: tuple[float, ...] = ()
    blends: tuple[Callable[[float, float, float], float], ...] = ()
    period: float = math.inf


FORMS = {
    'linear': 'start,end,steps',
    'step_linear': 'start,middle,steps,end,steps',
    'exponential': 'start,end,steps,limit=0',
    'cosine': 'start,end,steps,warmup=0',
    'one_cycle': 'peak,steps',
    'stairs': 'start,factor,steps,times',
    'cycle': 'period,schedule',
}


def straight(start: float, end: float, share: float) -> float:
    return (1.0 - share) * start + share * end


def wave(start: float, end: float, share: float) -> float:
    """Half a cosine, flat at both ends (arXiv:1608.03983, eq. 5)."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def hold(start: float, end: float, share: float) -> float:
    return start


def decay(limit: float) -> Callable[[float, float, float], float]:
    """Returns a blend whose distance from the limit changes by the same factor at every step."""
    return lambda start, end, share: limit + (start - limit) * ((end - limit) / (start - limit)) ** share


@functools.lru_cache
def parse_schedule(value: float | str) -> Schedule:
    """Parses a number or a text. Raises UserError if it is no schedule."""
    call = re.fullmatch(r'\s*(\w+)\((.*)\)\s*', str(value))
    name, inside = call.groups() if call else ('', str(value))
    try:
        if name == 'cycle':
            period, _, inner = inside.partition(',')
            inner = parse_schedule(inner)
            if 0 < float(period) < inner.period == math.inf:
                return inner._replace(period=float(period))
        match name, [float(number) for number in inside.split(',')]:
            case _, numbers if not all(map(math.isfinite, numbers)):
                pass
            case '', [number]:
                return Schedule((number,))
            case 'linear', [start, end, steps]:
                return Schedule((start, end), (steps,), (straight,))
            case 'step_linear', [start, middle, steps, end, more]:
                return Schedule((start, middle, end), (steps, more), (straight, straight))
            case 'exponential', [start, end, steps] if start * end > 0:  # no factor leads through 0
                return Schedule((start, end), (steps,), (decay(0.0),))
            case 'exponential', [start, end, steps, limit] if (start - limit) * (end - limit) > 0:
                return Schedule((start, end), (steps,), (decay(limit),))
            case 'cosine', [start, end, steps]:
                return Schedule((start, end), (steps,), (wave,))
            case 'cosine', [start, end, steps, warmup] if warmup <= steps:
                return Schedule((0.0, start, end), (warmup, steps - warmup), (straight, wave))
            case 'one_cycle', [peak, steps]:  # arXiv:1708.07120, as torch.optim.lr_scheduler.OneCycleLR has it
                return Schedule((peak / 25, peak, peak / 25e4), (0.3 * steps, 0.7 * steps), (wave, wave))
            case 'stairs', [start, factor, steps, times] if times == int(times) >= 0:
                values = tuple(start * factor**i for i in range(int(times) + 1))
                return Schedule(values, (steps,) * int(times), (hold,) * int(times))
    except ValueError:
        pass  # not numbers
    raise UserError(
        f"'{value}' is no schedule: "
        + (f'{name}({FORMS[name]})' if name in FORMS else f'give a number, linear({FORMS["linear"]})')
        + f'; others: {", ".join(other for other in FORMS if other != name)}.'
    )


def schedule(value: float | str, step: float) -> float:
    """Returns the value of a schedule at a step, counted in agent steps or updates, as the schedule's key says.

    0.1
    linear(start,end,steps)
    step_linear(start,middle,steps,end,steps)  the second ramp after the first (github.com/facebookresearch/drqv2)
    exponential(start,end,steps,limit=0)  the distance from the limit changes by a factor (BBF, arXiv:2305.19452)
    cosine(start,end,steps,warmup=0)      `steps` in all; linearly from 0 in the first `warmup` of them
    one_cycle(peak,steps)                 up from peak / 25 in 30 % of the steps, then down to a 10,000th of that
    stairs(start,factor,steps,times)      times the factor after each `steps`
    cycle(period,schedule)                repeats after every `period` steps
    """
    if isinstance(value, (int, float)):
        return float(value)
    values, steps, blends, period = parse_schedule(value)
    step %= period
    for start, end, ramp, blend in zip(values, values[1:], steps, blends, strict=False):
        if step < ramp:
            return blend(start, end, step / ramp)
        step -= ramp
    return values[-1]


def extremes(value: float | str) -> tuple[float, float]:
    """Returns the least and the greatest value of a schedule."""
    values = parse_schedule(value).values  # between two of them it rises or falls throughout
    return min(values), max(values)
