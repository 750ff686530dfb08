"""The learning-rate range test on problems whose best rate is known."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from Logging.Plots import Figures
from Runs.FindRate import HIGHEST, LOWEST, draw, smoothed, suggest, sweep


class Valley:
    """Gradient descent on curvature/2 x^2: a rate of 1/curvature is best, one above 2/curvature diverges."""

    def __init__(self, curvature):
        self.curvature, self.x, self.optimization = curvature, 1.0, SimpleNamespace(lr=None)

    def learn(self, memory):
        loss = self.curvature / 2 * self.x**2
        self.x -= self.optimization.lr * self.curvature * self.x
        return {'some_loss': loss, 'accuracy': 100.0}


@pytest.mark.parametrize('curvature', [30.0, 3000.0])
def test_the_steepest_fall_lies_below_the_rate_that_diverges(curvature):
    rates, losses = sweep(Valley(curvature), None)
    assert len(rates) == len(losses) < 200 and rates[0] == LOWEST and rates[-1] < HIGHEST  # it ended before
    assert 0.01 / curvature < suggest(rates, losses) < 1 / curvature


def test_a_loss_that_is_no_number_ends_the_sweep():
    class Broken(Valley):
        def learn(self, memory):
            return {'some_loss': float('nan') if self.optimization.lr > 1e-3 else 1.0}

    rates, losses = sweep(Broken(1.0), None)
    assert rates[-1] <= 1e-3 and np.isfinite(losses).all()


def test_smoothed_by_hand():
    assert smoothed([1.0, 2.0], keep=0.5).tolist() == pytest.approx([1.0, (0.25 * 1 + 0.5 * 2) / 0.75])


def test_the_picture():
    rates, losses = sweep(Valley(30.0), None)
    with Image.open(io.BytesIO(Figures.png(draw, rates, losses))) as image:
        assert image.format == 'PNG' and image.width > 500
