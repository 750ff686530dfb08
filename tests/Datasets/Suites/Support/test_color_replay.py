"""Videos in color against the gray observations."""

import numpy as np
import pytest

from Datasets.Suites.Atari import Atari


@pytest.mark.parametrize(
    'options', [{}, {'repeat_action_probability': 0.25}, {'use_fire_reset': True, 'max_frames': 210}]
)
def test_videos_show_in_colour_what_the_agent_sees(options, capsys):
    suite = Atari('breakout', num_envs=2, seed=1, train=False, **options)
    suite.reset()
    rng = np.random.default_rng(0)
    for t in range(250):
        obs = suite.step(rng.integers(0, 4, 2)).obs
        if t > 200:  # the mirror catches up with what was played before, over several games
            for frame, seen in zip(suite.render(), obs, strict=True):
                assert frame.shape == (210, 160, 3) and frame.dtype == np.uint8
                gray = frame @ np.array([0.299, 0.587, 0.114])
                rows = np.add.reduceat(gray.mean(1), np.arange(0, 210, 5)) / 5  # both pictures as profiles of 42 rows
                assert np.abs(rows - seen[0].reshape(42, 2, 84).mean((1, 2))).max() < 8
    assert capsys.readouterr().err == ''
    first, second = suite.render()
    assert np.ptp(first, axis=2).max() > 50 and not np.array_equal(first, second)
