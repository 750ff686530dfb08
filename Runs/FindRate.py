"""The learning-rate range test (arXiv:1506.01186, section 3.3): the loss while the rate grows from update to update."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from Support.Files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from Agents.Agent import Agent
    from Datasets.Replay.Replay import Replay
    from Runs.Parts import Parts

LOWEST, HIGHEST = 1e-7, 10.0  # learning rates of the test
WORSE = 4.0  # the test ends when the loss is this many times its minimum


def find_rate(parts: Parts) -> None:
    """Instead of training: tests a range of rates, draws the losses beside the run's logs and prints a suggestion."""
    from Logging.Plots import Figures

    rates, losses = sweep(parts.agent, parts.replay, parts.args.find_lr)
    picture = parts.prefix.with_name(f'{parts.prefix.name}_LearningRate.png')
    atomic_write(picture, Figures.png(draw, rates, losses))
    print(f'lr={suggest(rates, losses):.1e} is where the loss falls most steeply: {picture}')


def sweep(agent: Agent, replay: Replay, updates: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Learns at rates that grow by a constant factor; returns rates and losses, summed over the phases, [N] each.

    The agent is useless afterwards. Ends early when the loss has grown to `WORSE` times its minimum, or is not finite.
    """
    rates, losses, least = [], [], math.inf
    for rate in np.geomspace(LOWEST, HIGHEST, updates):
        agent.optimization.lr = float(rate)
        logs = agent.learn(replay)
        loss = float(sum(value for name, value in logs.items() if name.endswith('_loss')))
        if not math.isfinite(loss):
            break
        rates.append(agent.optimization.lr)
        losses.append(loss)
        smooth = smoothed(losses)[-1]
        least = min(least, smooth)
        if smooth - least > (WORSE - 1) * abs(least):
            break
    return np.array(rates), np.array(losses)


def smoothed(losses: Sequence[float] | np.ndarray, keep: float = 0.9) -> np.ndarray:
    """Returns the moving average [N] with bias correction (Adam, arXiv:1412.6980, section 3)."""
    average, out = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = keep * average + (1 - keep) * loss
        out.append(average / (1 - keep**count))
    return np.array(out)


def suggest(rates: np.ndarray, losses: np.ndarray) -> float:
    """Returns the rate at which the smoothed loss falls most steeply over log(rate), before its minimum."""
    if len(losses) < 3:
        return float(rates[0]) if len(rates) else LOWEST
    smooth = smoothed(losses)
    end = max(3, int(smooth.argmin()) + 1)
    slopes = np.gradient(smooth[:end], np.log(rates[:end]))
    return float(rates[int(slopes.argmin())])


def draw(rates: np.ndarray, losses: np.ndarray) -> Figure:
    """Draws the losses over the rates, and the suggestion."""
    from Logging.Plots import PlotParts

    figure, (axes,) = PlotParts.grid(1)
    axes.plot(rates, losses, color='0.75', label='loss')
    axes.plot(rates, smoothed(losses), color='C0', label='smoothed')
    rate = suggest(rates, losses)
    axes.axvline(rate, color='C1', linestyle='--', label=f'steepest: lr={rate:.1e}')
    axes.set_ylim(0, 1.5 * losses[0])
    axes.set(xscale='log', xlabel='learning rate', ylabel='sum of the losses')
    axes.legend(frameon=False)
    return figure
