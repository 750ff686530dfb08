"""A second emulator that plays what one game of ale-py's vector class plays, for pictures in colour.

The vector class gives 84x84 gray frames and no way to its screens, but its games are a function of seed and actions.
"""

import ale_py


class Mirror:
    """One Atari game, 0.25 ms per step. Its arguments are those of the vector class."""

    def __init__(self, rom, seed, repeat_action_probability, full_action_space, use_fire_reset, frame_skip, max_frames):
        self.frame_skip, self.max_frames = frame_skip, max_frames
        self._ale = ale_py.ALEInterface()
        self._ale.setFloat('repeat_action_probability', repeat_action_probability)
        self._ale.setInt('random_seed', seed)
        self._ale.loadROM(rom)
        self._actions = self._ale.getLegalActionSet() if full_action_space else self._ale.getMinimalActionSet()
        self._fire = use_fire_reset and ale_py.Action.FIRE in self._actions
        self._elapsed = 0

    def begin(self, frame):
        """Begin a game and wait without action until this frame of it. How long is drawn by the vector class."""
        self._ale.reset_game()
        if self._fire:
            self._ale.act(ale_py.Action.FIRE)
        while self.frame < frame:
            self._ale.act(ale_py.Action.NOOP)
        self._elapsed = 0

    def step(self, action):
        """Play an action by its index, until the end of the game at most."""
        for _ in range(self.frame_skip):
            self._ale.act(self._actions[action])
            self._elapsed += 1
            if self._ale.game_over() or self._elapsed >= self.max_frames:
                break

    @property
    def frame(self):
        """Emulator frames since the game began."""
        return self._ale.getEpisodeFrameNumber()

    def picture(self):
        """The screen as uint8 [210, 160, 3]."""
        return self._ale.getScreenRGB()


class Mirrors:
    """The games of a vector in colour; each is played only as far as a picture of it is asked for.

    Arguments:
        build: function from the index of a game to its Mirror
    """

    def __init__(self, build):
        self._build = build

    def reset(self, frame):
        """All games begin, at these frames [N]."""
        self._log, self._mirrors = [(None, None, frame)], {}

    def log(self, action, ended, frame):
        """Actions [N] were played, [N] games ended, and the games are now at these frames [N]."""
        self._log.append((action, ended, frame))

    def picture(self, i):
        """The screen of game i now, uint8 [210, 160, 3]. Raises RuntimeError if the mirror has lost the game."""
        mirror, played = self._mirrors.get(i) or (self._build(i), 0)
        for action, ended, frame in self._log[played:]:
            if action is not None:
                mirror.step(action[i])
            if action is None or ended[i]:
                mirror.begin(frame[i])
            if mirror.frame != frame[i]:
                raise RuntimeError(f'frame {mirror.frame} is not frame {frame[i]}')
        self._mirrors[i] = mirror, len(self._log)
        return mirror.picture()
