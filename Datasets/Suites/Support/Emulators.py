"""Atari games that can be saved (arXiv:1207.4708), seed for seed equal to those of ale-py's vector class."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ale_py
import numpy as np
from gymnasium.spaces import Discrete

SIDE = 84  # pixels of an observation


class Emulator:
    """One game of Atari, 0.25 ms per step. Its arguments are those of ale-py's vector class.

    A game is a function of the emulator's state before its reset and of the actions since; these are what is saved.
    ale-py's `cloneState` in the middle of a game is incomplete: qbert and tetris continue differently. Nor does a reset
    alone suffice: 15 of 104 games, assault and tennis among them, start differently after another game.
    """

    def __init__(self, rom: Path, seed: int, repeat_action_probability: float, full_action_space: bool,
                 use_fire_reset: bool, frame_skip: int, max_frames: int) -> None:  # fmt: skip
        self.frame_skip, self.max_frames, self._rom = frame_skip, max_frames, rom
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # else it prints a line for each game that it loads
        self._ale = ale_py.ALEInterface()
        self._ale.setFloat('repeat_action_probability', repeat_action_probability)
        self._ale.setInt('random_seed', seed)
        self.load()
        self.actions = self._ale.getLegalActionSet() if full_action_space else self._ale.getMinimalActionSet()
        self._fire = use_fire_reset and ale_py.Action.FIRE in self.actions
        self._screens = np.zeros((2, *self._ale.getScreenDims()), np.uint8)  # the last two frames, latest first

    def load(self) -> None:
        """Switches the emulator off and on again, with the random numbers of the seed."""
        self._ale.loadROM(self._rom)

    def begin(self, frame: int) -> None:
        """Starts a game and waits until this frame of it, after FIRE with `use_fire_reset`."""
        self._before, self._frame, self._played = self._ale.cloneState(include_rng=True), frame, bytearray()
        self._ale.reset_game()
        if self._fire:
            self._ale.act(ale_py.Action.FIRE)
        for _ in range(frame - self._fire):
            self._ale.act(ale_py.Action.NOOP)
            if self._ale.game_over():
                self._ale.reset_game()
        self._ale.getScreenGrayscale(self._screens[0])
        self._screens[1] = 0
        self._elapsed = 0

    def step(self, action: int) -> tuple[int, bool, bool]:
        """Plays an action by its index, at most to the end of the game. Returns reward, terminated and truncated."""
        self._played.append(action)
        reward, terminated, truncated = 0, False, False
        for left in reversed(range(self.frame_skip)):  # frames to come
            reward += self._ale.act(self.actions[action])
            self._elapsed += 1
            terminated, truncated = self._ale.game_over(), self._elapsed >= self.max_frames
            if terminated or truncated:
                break  # as ale-py does, before it draws
            if left < 2:
                self._ale.getScreenGrayscale(self._screens[left])
        np.maximum(self._screens[0], self._screens[1], out=self._screens[0])
        return reward, terminated, truncated and not terminated

    @property
    def frame(self) -> int:
        """Emulator frames since the game started."""
        return self._ale.getEpisodeFrameNumber()

    @property
    def lives(self) -> int:
        """Lives that are left."""
        return self._ale.lives()

    @property
    def obs(self) -> np.ndarray:
        """The maximum over the last two frames at each pixel, uint8 [84, 84]."""
        return shrink(self._screens[0])

    def picture(self) -> np.ndarray:
        """Returns the screen, uint8 [210, 160, 3]."""
        return self._ale.getScreenRGB()

    def state(self) -> dict[str, Any]:
        """Returns the game so far: the emulator's bytes before it, its first frame, and the actions [T] since."""
        before, played = (np.frombuffer(part, np.uint8).copy() for part in (self._before.serialize(), self._played))
        return {'before': before, 'frame': self._frame, 'played': played}

    def restore(self, state: dict[str, Any]) -> None:
        """Plays a game again, about as fast as it was played."""
        self._ale.restoreState(ale_py.ALEState(state['before'].tobytes()))
        self.begin(state['frame'])
        for action in state['played'].tolist():
            self.step(action)


class Emulators:
    """N games one after the other, with the methods of ale-py's vector class that `Atari` uses.

    Arguments:
        build: function from the seed of a game to its Emulator
        seeds: [N]
        noop_max: each game starts with 0 .. noop_max - 1 frames without action
    """

    def __init__(self, build: Callable[[int], Emulator], seeds: Sequence[int] | np.ndarray, noop_max: int) -> None:
        self._games, self._noop_max = [build(int(seed)) for seed in seeds], max(noop_max, 1)
        self._noops: list[np.random.MT19937] = []
        self.single_action_space = Discrete(len(self._games[0].actions))

    def reset(self, seed: Sequence[int] | np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Restarts all games from their seeds [N]. Returns uint8 [N, 1, 84, 84], {'lives', 'episode_frame_number'}."""
        if self._noops:  # not for the first time
            for game in self._games:
                game.load()
        self._noops = [mersenne_twister(int(one)) for one in seed]
        for game, noops in zip(self._games, self._noops, strict=True):
            game.begin(below(noops, self._noop_max))
        return self.seen()

    def seen(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns the present observations and infos, as `reset` does."""
        info = {'lives': np.array([game.lives for game in self._games], np.int32),
                'episode_frame_number': np.array([game.frame for game in self._games], np.int32)}  # fmt: skip
        return np.stack([game.obs for game in self._games])[:, None], info

    def send(self, action: np.ndarray) -> None:
        """Takes the actions int [N] that `recv` plays."""
        self._action = action

    def recv(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Plays the actions [N] that were sent. Returns obs, reward, terminated, truncated and infos, all [N]."""
        played = [game.step(action) for game, action in zip(self._games, self._action.tolist(), strict=True)]
        reward, terminated, truncated = (np.array(part) for part in zip(*played, strict=True))
        obs, info = self.seen()
        ended = np.flatnonzero(terminated | truncated)
        if len(ended):
            final_obs = obs
            for i in ended:
                self._games[i].begin(below(self._noops[i], self._noop_max))
            obs, info = self.seen()
            info['final_obs'] = final_obs
        return obs, reward, terminated, truncated, info

    def state(self) -> dict[str, Any]:
        """Returns the states of the games and of the generators of their first frames."""
        return {'games': [game.state() for game in self._games], 'noops': [noops.state for noops in self._noops]}

    def restore(self, state: dict[str, Any]) -> None:
        """Plays the saved games again."""
        self._noops = [mersenne_twister(0) for _ in self._games]
        for noops, saved in zip(self._noops, state['noops'], strict=True):
            noops.state = saved
        for game, saved in zip(self._games, state['games'], strict=True):
            game.restore(saved)


def mersenne_twister(seed: int) -> np.random.MT19937:
    """Returns the generator of 32 bits that C++ calls std::mt19937."""
    bits = np.random.MT19937()
    state: Any = np.random.RandomState(seed).get_state(legacy=False)
    bits.state = state
    return bits


def below(bits: np.random.MT19937, count: int) -> int:
    """Draws a number 0 .. count - 1 as GNU's std::uniform_int_distribution does (arXiv:1805.10941)."""
    while (product := bits.random_raw() * count) % 2**32 < 2**32 % count:
        pass
    return product >> 32


def shrink(screen: np.ndarray) -> np.ndarray:
    """Scales uint8 [H, W] to [84, 84] as OpenCV's INTER_AREA: in float32, columns before rows, halves to the even."""
    narrow = mean(np.ascontiguousarray(screen.T, np.float32))  # [H, W] -> [84, H]
    return np.rint(mean(np.ascontiguousarray(narrow.T))).astype(np.uint8)  # -> [84, 84]


def mean(rows: np.ndarray) -> np.ndarray:
    """Averages [H, W] to [84, W] over the rows that each new one covers."""
    (index, share), *rest = covered(len(rows))
    total = rows[index] * share
    for index, share in rest:
        total += rows[index] * share
    return total


@functools.cache
def covered(size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the first, second, ... of `size` rows that each of 84 covers: [(index [84], share [84, 1]), ...]."""
    ends = np.arange(SIDE + 1) * (size / SIDE)
    width = size / SIDE
    shares = []
    first = np.floor(ends[:-1]).astype(int)
    for index in (first, first + 1, first + 2, first + 3):
        share = (np.minimum(ends[1:], index + 1) - np.maximum(ends[:-1], index)).clip(0) / width
        shares.append((index.clip(max=size - 1), share.astype(np.float32)[:, None]))
    return [(index, share) for index, share in shares if share.any()]
