"""The progress of a run: counts, what is due, the scores since the last Train line, and the speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from Runs.Parts import Parts


class Progress:
    """The progress of a run through its steps; a resumed run continues where it was saved.

    Attributes:
        stride: agent steps of one iteration of the loop.
        scores: of the episodes that ended since the last Train line.
        evaluated: the step of the last evaluation, or None.
        best: the most merit of an evaluation so far, or None.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.stride = parts.args.num_envs if parts.environment else 1
        saved = parts.resumed.get('log') or {'scores': [], 'evaluated': None, 'best': None}
        self.scores: list[float] = saved['scores']
        self.evaluated: int | None = saved['evaluated']
        self.best: float | None = saved['best']
        self.mark = (parts.agent.step, time.monotonic())  # of the last Train line

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps of the progress."""
        return {'scores': self.scores, 'evaluated': self.evaluated, 'best': self.best}

    def due(self, period: float) -> int:
        """Returns how many multiples of `period` the last iteration reached; 0 if `period` is 0.

        It depends on the step alone, so a resumed run acts at the same steps."""
        step = self.parts.agent.step
        return int(step // period - (step - self.stride) // period) if period else 0

    @property
    def counts(self) -> dict[str, int]:
        """The first columns of every log line: agent steps, frames, episodes."""
        parts, step = self.parts, self.parts.agent.step
        episodes = parts.environment.episodes if parts.environment else 0
        return {'step': step, 'frame': step * parts.frames_per_step, 'episode': episodes}

    def log(self) -> None:
        """Logs a Train line: the mean score and the speed since the last one, and the losses if `agent.log`."""
        parts, agent = self.parts, self.parts.agent
        (step, began), self.mark = self.mark, (agent.step, time.monotonic())
        scores, self.scores = self.scores, []
        line = {'fps': (agent.step - step) * parts.frames_per_step / max(time.monotonic() - began, 1e-9)}
        if scores:
            line['reward'] = sum(scores) / len(scores)
        parts.logger.log('Train', self.counts | line | (agent.logs if agent.log else {}))

    def improves(self, report: dict[str, float]) -> bool:
        """Whether an evaluation is better than all before; it is then the best."""
        from Logging.Evaluation.Report import merit

        found = merit(report)
        better = found is not None and (self.best is None or found > self.best)
        self.best = found if better else self.best
        return better

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the time that the block takes out of the speed."""
        began = time.monotonic()
        yield
        step, since = self.mark
        self.mark = (step, since + time.monotonic() - began)
