"""Test-time augmentation: which views are seen, and that their logits are averaged."""

import numpy as np
import pytest

from Logging.Evaluation.TestTimeAugmentation import Views
from Support.Errors import UserError

IMAGE = np.arange(9, dtype=np.uint8).reshape(1, 1, 3, 3)


class Seer:
    """Its logits are the image's first row."""

    def __init__(self):
        self.seen = []

    def act(self, obs, explore=True, first=None):
        assert not explore and obs.dtype == np.uint8 and obs.flags.c_contiguous
        self.seen.append(obs.copy())
        return obs[:, 0, 0].astype(np.float32)


def test_mirrored():
    agent = Seer()
    assert Views(agent, 'mirror').act(IMAGE).tolist() == [[1, 1, 1]]  # the mean of 0 1 2 and 2 1 0
    assert [obs[0, 0, 0].tolist() for obs in agent.seen] == [[0, 1, 2], [2, 1, 0]]


def test_shifted():
    agent = Seer()
    Views(agent, ['shift']).act(IMAGE)
    same, down, up = (obs[0, 0].tolist() for obs in agent.seen)
    assert same == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert down == [[4, 3, 4], [1, 0, 1], [4, 3, 4]]  # the row and column before the first are its neighbors
    assert up == [[4, 5, 4], [7, 8, 7], [4, 5, 4]]


def test_every_combination():
    agent = Seer()
    Views(agent, ['mirror', 'shift']).act(IMAGE)
    assert len({obs.tobytes() for obs in agent.seen}) == 6


def test_an_unknown_view_is_one_sentence():
    with pytest.raises(UserError, match=r"tta: no view 'miror'\. Nearest: mirror"):
        Views(Seer(), ['miror'])
