"""A second emulator that plays what one game of ale-py's vector class plays, for pictures in colour.

The vector class gives 84x84 gray frames and no way to its screens, but its games are a function of seed and actions.
"""


class Mirrors:
    """The games of a vector in colour; each is played only as far as a picture of it is asked for.

    Arguments:
        build: function from the index of a game to its Emulator (Emulators.py)
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
