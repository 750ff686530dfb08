"""The learning-rate range test (arXiv:1506.01186, section 3.3): the loss while the rate grows from update to update."""

import math

import numpy as np

from Support.Files import atomic_write

LOWEST, HIGHEST, WORSE = 1e-7, 10.0, 4.0  # of the rate; a loss so many times its least ends the test


def find_rate(parts):
    """Instead of training: a range test, its picture beside the run's logs, and the rate that it suggests."""
    from Logging.Plots import Figures

    rates, losses = sweep(parts.agent, parts.replay, parts.args.find_lr)
    picture = parts.prefix.with_name(f'{parts.prefix.name}_LearningRate.png')
    atomic_write(picture, Figures.png(draw, rates, losses))
    print(f'lr={suggest(rates, losses):.1e} is where the loss falls most steeply: {picture}')


def sweep(agent, memory, updates=200):
    """Learns at rates that grow by a constant factor -> rates and losses, summed over the phases, [N] each.

    The agent is worth nothing afterwards. Ends early where the loss is WORSE than it was, or no number."""
    rates, losses, least = [], [], math.inf
    for rate in np.geomspace(LOWEST, HIGHEST, updates):
        agent.optimization.lr = float(rate)
        logs = agent.learn(memory)
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


def smoothed(losses, keep=0.9):
    """Exponential moving average, corrected for its start (as Adam's, arXiv:1412.6980, section 3)."""
    average, out = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = keep * average + (1 - keep) * loss
        out.append(average / (1 - keep**count))
    return np.array(out)


def suggest(rates, losses):
    """The rate at which the smoothed loss falls most steeply over the logarithm of the rate, before it is least."""
    if len(losses) < 3:
        return float(rates[0]) if len(rates) else LOWEST
    smooth = smoothed(losses)
    end = max(3, int(smooth.argmin()) + 1)
    slopes = np.gradient(smooth[:end], np.log(rates[:end]))
    return float(rates[int(slopes.argmin())])


def draw(rates, losses):
    """The losses over the rates, and the suggestion -> figure."""
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
