"""Atari 2600 games on ale-py's native vector environment (arXiv:1207.4708; protocols: arXiv:1709.06009)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from Datasets.Experience import Spec, Step
from Datasets.Suites.Support.Contract import env_seeds, matching
from Support.Errors import UserError, hint
from Support.Machine import usable_cores


class Atari:
    """N games of one title: single gray 84x84 frames, raw scores and whole games.

    Rewards are not clipped, frames are not stacked, and a lost life ends nothing: it is reported as `Step.life_lost`.
    All other settings of the protocol are arguments.

    Arguments:
        game: ROM name in snake_case, 'ms_pacman'
        repeat_action_probability: of sticky actions; 0.0 as in the 100k benchmark, 0.25 as in arXiv:1709.06009
        noop_max: each game starts with 0 .. noop_max - 1 emulator frames without action
        full_action_space: all 18 actions rather than those with an effect in this game
        use_fire_reset: press FIRE once when a game starts
        frame_skip: emulator frames per agent step; the observation is the maximum over the last two of them
        max_frames: emulator frames after which a game is truncated (108,000 are 30 minutes)
        exact: in training, play on the emulators of `Support/Emulators.py`, one after the other, whose `state` can be
            saved. The games are the same; evaluation, which restarts each time, stays with ale-py's class
        num_threads: of the emulator, or `all` for one per core, where the learner waits meanwhile. null: one, or half
            of the cores from eight environments on, so that learner and emulator do not compete for all of them

    ale-py ends a frame skip as soon as the game is over, before it draws those frames. So `final_obs` of a terminated
    game shows the frames before (nothing is bootstrapped from it), and that of a truncated one lacks the last frame.

    Raises UserError for a game without ROM.
    """

    episodes = None

    def __init__(
        self,
        game: str,
        num_envs: int = 1,
        seed: int = 0,
        train: bool = True,
        *,
        repeat_action_probability: float = 0.0,
        noop_max: int = 30,
        full_action_space: bool = False,
        use_fire_reset: bool = False,
        frame_skip: int = 4,
        max_frames: int = 108000,
        exact: bool = False,
        num_threads: int | str | None = None,
    ) -> None:
        self.game, rom = game, rom_path(game)
        self.num_envs, self.frames_per_step = num_envs, frame_skip
        self._seeds = np.array(env_seeds(seed, train, num_envs))
        protocol: dict[str, Any] = dict(
            repeat_action_probability=repeat_action_probability, full_action_space=full_action_space,
            use_fire_reset=use_fire_reset, frame_skip=frame_skip, max_frames=max_frames,
        )  # fmt: skip
        self._identity = dict(suite='Atari', game=game, num_envs=num_envs, seed=seed, **protocol, noop_max=noop_max)
        self._saves = bool(exact) and train
        if self._saves:
            self._envs = emulators(rom, self._seeds, noop_max, protocol)
        else:
            self._envs = native(game, num_envs, threads_of(num_threads, num_envs), noop_max, **protocol)
        self.spec = Spec((1, 84, 84), 'uint8', (), int(self._envs.single_action_space.n))
        self._obs: Any = None
        self._lives: Any = None
        self._colors: Any = None
        if not train:  # evaluation may be filmed
            from Datasets.Suites.Support.ColorReplay import ColorReplay
            from Datasets.Suites.Support.Emulators import Emulator

            self._colors = ColorReplay(lambda i: Emulator(rom, int(self._seeds[i]), **protocol))

    def reset(self) -> np.ndarray:
        """Restarts every game from the suite's seed. Returns uint8 [N, 1, 84, 84]."""
        self._obs, info = self._envs.reset(seed=self._seeds)
        self._lives = info['lives']
        if self._colors is not None:
            self._colors.reset(info['episode_frame_number'])
        return self._obs

    def send(self, action: np.ndarray) -> None:
        """Starts a step with int actions [N] and returns while the emulator works. Raises ValueError for others."""
        action = np.asarray(action, np.int64)
        choices = self.spec.num_actions or 0
        if action.shape != (self.num_envs,) or action.min() < 0 or action.max() >= choices:
            # ale-py's class waits forever on an action that is out of range.
            raise ValueError(f'Actions should be [{self.num_envs}] in 0..{choices - 1}, not {action}')
        self._action = action.copy()
        self._envs.send(action)

    def recv(self) -> Step:
        """Waits for the step that `send` started."""
        obs, reward, terminated, truncated, info = self._envs.recv()
        ended = terminated | truncated
        final_obs = obs
        if ended.any():
            # For games that go on, ale-py's `final_obs` does not hold their observations.
            final_obs = np.where(ended[:, None, None, None], info['final_obs'], obs)
        life_lost = (info['lives'] < self._lives) & ~ended  # at an end the lives are already the new game's
        self._obs, self._lives = obs, info['lives']
        if self._colors is not None:
            self._colors.log(self._action, ended, info['episode_frame_number'])
        return Step(obs, reward.astype(np.float32), terminated, truncated, final_obs, life_lost=life_lost)

    def step(self, action: np.ndarray) -> Step:
        """Plays int actions [N], each for `frame_skip` frames."""
        self.send(action)
        return self.recv()

    def render(self, envs: Sequence[int] | None = None) -> list[np.ndarray]:
        """Returns screens of these games, or all, uint8 [210, 160, 3]; in training their observations, [84, 84, 3]."""
        envs = range(self.num_envs) if envs is None else envs
        if self._colors is not None:
            try:
                return [self._colors.picture(i) for i in envs]
            except RuntimeError as error:
                print(f'Videos of {self.game} show gray observations instead of colors: {error}', file=sys.stderr)
                self._colors = None
        return [np.repeat(self._obs[i, 0, :, :, None], 3, axis=2) for i in envs]

    def state(self) -> dict[str, Any] | None:
        """Returns what `restore` takes; None without `exact`, since ale-py's class does not give its games away."""
        return {**self._identity, **self._envs.state()} if self._saves else None

    def restore(self, state: dict[str, Any]) -> None:
        """Replays the games of `state` up to where it was taken. Raises UserError if it is another suite's."""
        matching(state, **self._identity)
        if not self._saves:
            raise UserError('Games that were saved with exact=true are resumed with exact=true alone.')
        self._envs.restore(state)
        self._obs, info = self._envs.seen()
        self._lives = info['lives']

    def close(self) -> None:
        """Stops the emulator's threads."""
        self._envs = None


def native(game: str, num_envs: int, num_threads: int, noop_max: int, *, repeat_action_probability: float,
           full_action_space: bool, use_fire_reset: bool, frame_skip: int, max_frames: int) -> Any:  # fmt: skip
    """Returns ale-py's vector environment, with every one of its settings given."""
    from ale_py.vector_env import AtariVectorEnv
    from gymnasium.vector import AutoresetMode

    envs = AtariVectorEnv(
        game,
        num_envs,
        batch_size=num_envs,
        num_threads=num_threads,
        thread_affinity_offset=-1,
        max_num_frames_per_episode=max_frames,
        repeat_action_probability=repeat_action_probability,
        full_action_space=full_action_space,
        continuous=False,
        autoreset_mode=AutoresetMode.SAME_STEP,
        img_height=84,
        img_width=84,
        grayscale=True,
        stack_num=1,
        frameskip=frame_skip,
        maxpool=True,
        noop_max=noop_max,
        episodic_life=False,
        life_loss_info=False,
        reward_clipping=False,
        use_fire_reset=use_fire_reset,
    )
    if envs.metadata['autoreset_mode'] is not AutoresetMode.SAME_STEP:
        raise RuntimeError(f'ale-py resets in an unknown mode: {envs.metadata["autoreset_mode"]}')
    return envs


def emulators(rom: Path, seeds: np.ndarray, noop_max: int, protocol: dict[str, Any]) -> Any:
    """Returns the same games on `Emulators`, with the same methods."""
    from Datasets.Suites.Support.Emulators import Emulator, Emulators

    return Emulators(lambda seed: Emulator(rom, seed, **protocol), seeds, noop_max)


def threads_of(num_threads: int | str | None, num_envs: int) -> int:
    """Returns the number of threads for a suite's `num_threads`, at most one per environment. Raises UserError."""
    if num_threads is None:
        return 1 if num_envs < 8 else min(num_envs, max(1, usable_cores() // 2))
    if num_threads == 'all':
        return min(num_envs, usable_cores())
    if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
        raise UserError(f"suite.num_threads is a number of threads, all, or null, not '{num_threads}'.")
    return min(num_envs, num_threads)


def rom_path(game: str) -> Path:
    """Returns the file of a game. Raises UserError if ale-py does not know it or its ROM is not there."""
    from ale_py import ALEInterface, roms

    known = roms.get_all_rom_ids()
    if game not in known:
        raise UserError(f"No Atari game '{game}'.{hint(game, known)} All: python Run.py --help")
    folder = os.environ.get('ALE_ROMS_DIR') or Path(roms.__file__).parent
    path = Path(folder, f'{game}.bin')
    if not path.is_file():
        raise UserError(
            f"ale-py carries no ROM of '{game}': put {game}.bin into a folder with the others and set "
            f'ALE_ROMS_DIR=<folder>; ROMs here: {folder}'
        )
    if ALEInterface.isSupportedROM(path) is None:  # the emulator would end the whole process
        raise UserError(
            f"'{game}' needs two players, which ale-py does not offer: choose another with task=atari/<game>"
        )
    return path
