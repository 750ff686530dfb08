"""Trains and evaluates an agent: `python Run.py key=value ...`. `python Run.py --help` lists the keys."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from Hyperparams.Instantiate import scalars
from Hyperparams.Launch import launch
from Runs import Build
from Runs.Collect import collect
from Runs.Progress import Progress
from Support.Interrupts import Interrupts

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Runs.Parts import Parts

# Threads that wait for each other sleep instead of spinning, which makes learning from images many times as fast beside
# another busy process. OpenMP reads this when torch is imported; processes that launchers start inherit it.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


class Training:
    """The loop over the parts of a run: evaluate, act, store, learn, log, save.

    Offline there are no environments: a step is one batch of the replay or data set.
    """

    def __init__(self, parts: Parts, interrupts: Interrupts) -> None:
        self.parts, self.interrupts, self.progress = parts, interrupts, Progress(parts)
        self.report: dict[str, float] = {}  # of the last evaluation
        self.whole = True  # False within a step: environments and replay may disagree

    def run(self) -> None:
        """Trains until `train_steps`. Ctrl-C waits for the end of a step."""
        parts, progress = self.parts, self.progress
        args, agent, environment, replay = scalars(parts.args), parts.agent, parts.environment, parts.replay
        while agent.step < args.train_steps:
            if progress.evaluated != agent.step and (progress.due(args.evaluate_per_steps) or agent.step == 0):
                self.evaluate()
            with self.interrupts.held():
                self.whole = False
                if environment:
                    progress.scores += environment.rollout(agent, replay).tolist()
                agent.step += progress.stride
                if agent.step > parts.seed_steps and replay.ready:
                    for _ in range(progress.due(args.learn_per_steps)):
                        agent.learn(replay)
                self.whole = True
            parts.logger.progress(agent.step)
            ended = agent.step >= args.train_steps
            if progress.due(args.log_per_steps) or ended:
                progress.log()
            if progress.due(args.save_per_steps) and not ended:
                self.save(agent.step if progress.due(args.keep_checkpoints * args.save_per_steps) else None)
            if progress.due(args.load_per_steps):
                parts.checkpoints.reload(agent)
        self.finish()
        for _ in range(args.learn_steps_after if agent.step > parts.start else 0):
            with self.interrupts.held():
                agent.learn(replay)
        self.evaluate()

    def finish(self) -> None:
        """Waits for the environments' step that is under way, and stores it."""
        if self.parts.environment and self.whole:
            self.progress.scores += self.parts.environment.finish(self.parts.replay).tolist()

    def evaluate(self) -> None:
        """Logs an Eval line and its pictures, and saves the best agent so far if `keep_best=true`."""
        from Runs.Evaluate import evaluate

        if self.parts.world.first:
            with self.progress.paused():
                self.report = evaluate(self.parts, self.progress)
                if self.parts.args.keep_best and self.progress.improves(self.report):
                    self.save('best')

    def save(self, copy: str | int | None = None) -> None:
        """Saves the agent and the run as they are now. `copy`: also as agent_<copy>.safetensors, which stays."""
        with self.interrupts.held():
            self.finish()
            self.parts.save(self.progress.state(), self.whole, copy)

    def end(self) -> None:
        """Saves what was learned if `save=true`, also after Ctrl-C or an error."""
        if self.parts.args.save and self.parts.agent.step > self.parts.start:
            self.save()


def main(args: DictConfig) -> float | None:
    """Runs a config from start to end. Ctrl-C saves what `save=true` promises.

    Returns the score of the last evaluation for sweepers such as Optuna, as it is logged: `accuracy` or `reward` (more
    is better), or `fid` (less is better). With `evaluate_checkpoints=true` it is that of the best agent. None if
    nothing was evaluated.
    """
    if args.reproduce:
        from Runs.Reproduce import reproduce

        return reproduce(args, main)
    if args.reproducible:
        from Logging.Record import require_clean

        require_clean(args)
    with Interrupts() as interrupts, closing(Build.parts(args)) as parts:
        if args.evaluate_checkpoints:
            from Runs.Evaluate import evaluate_checkpoints

            return evaluate_checkpoints(parts)
        if args.find_lr:
            from Runs.FindRate import find_rate

            find_rate(parts)
            return None
        if Build.collects(args):
            collect(parts, interrupts)
            return None
        return train(parts, interrupts)


def train(parts: Parts, interrupts: Interrupts) -> float | None:
    """Trains, evaluates, saves and plots; returns the score of the last evaluation."""
    from Logging.Evaluation import Report

    training = Training(parts, interrupts)
    try:
        training.run()
    finally:
        training.end()
    if parts.world.first and parts.args.plotting.plot_experiments is not False and not parts.args.generate:
        from Logging.Plot import plot_run

        for path in plot_run(parts.args):
            parts.logger.artifact(f'Plots/{path.stem}', path, parts.agent.step)
    return Report.score(training.report)


if __name__ == '__main__':
    import Run  # by name, so that launchers can pickle `main` and run it in other processes

    sys.exit(launch(Run.main))
