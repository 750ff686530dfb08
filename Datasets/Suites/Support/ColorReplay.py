"""Color pictures of games on ale-py's vector environment, by playing their actions again on emulators of their own.

The vector environment gives 84x84 gray frames and no access to its screens, but its games are a function of seed and
actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from Datasets.Suites.Support.Emulators import Emulator


class ColorReplay:
    """The games of a vector in color; each is played again only as far as a picture of it is asked for.

    Arguments:
        build: function from the index of a game to its `Emulator`
    """

    def __init__(self, build: Callable[[int], Emulator]) -> None:
        self._build = build

    def reset(self, frame: np.ndarray) -> None:
        """Notes that all games started, at these frames [N]."""
        self._log: list[tuple[Any, Any, np.ndarray]] = [(None, None, frame)]
        self._games: dict[int, tuple[Emulator, int]] = {}  # and how much of the log each has played

    def log(self, action: np.ndarray, ended: np.ndarray, frame: np.ndarray) -> None:
        """Notes a step: actions [N], which games ended [N], and the frames at which the games are now [N]."""
        self._log.append((action, ended, frame))

    def picture(self, i: int) -> np.ndarray:
        """Returns the screen of game i now, uint8 [210, 160, 3]. Raises RuntimeError if the two games differ."""
        game, played = self._games.get(i) or (self._build(i), 0)
        for action, ended, frame in self._log[played:]:
            if action is not None:
                game.step(action[i])
            if action is None or ended[i]:
                game.begin(frame[i])
            if game.frame != frame[i]:
                raise RuntimeError(f'frame {game.frame} is not frame {frame[i]}')
        self._games[i] = game, len(self._log)
        return game.picture()
