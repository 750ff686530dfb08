"""Train and evaluate an agent: `python Run.py key=value ...`. `python Run.py --help` lists the keys."""

import sys
import time
from contextlib import ExitStack
from functools import cached_property

from Hyperparams.Instantiate import scalars
from Hyperparams.Launch import launch
from Logging.Saving import Resume
from Runs import Build
from Support.Interrupts import Interrupts
from Support.Machine import choose_threads
from Support.RandomState import separate_random_state


class Run:
    """What a config describes, built; and the loop over it."""

    def __init__(self, args, interrupts):
        from Datasets.OpenReplay import remember
        from Logging.Saving.CheckpointFolder import Checkpoints

        self.began, self.args, self.interrupts = time.monotonic(), args, interrupts
        device = Build.prepare(args)
        self.collects = bool(args.load_per_steps and not args.learn_per_steps)  # for a learner in another process
        self.prefix, saved, replays = Build.places(args, self.collects)
        self.checkpoints = Checkpoints(saved, args.checkpoint, args.load)
        self.environment = None if args.offline else Build.environment(args, args.num_envs, train=True)
        suite = (self.environment or self.arena).suite
        self.frames_per_step = suite.frames_per_step
        args.threads = choose_threads(args.threads, images=suite.spec.images)
        self.agent = Build.agent(args, suite.spec, device)
        if self.environment:
            self.environment.overlap &= not self.agent.on_policy  # which learns from whole rollouts of its own
        left = self.checkpoints.load(self.agent) if args.load else {}
        self.start, self.seed_steps = self.agent.step, 0 if args.offline or self.agent.on_policy else args.seed_steps
        self.replay = remember(args, suite.spec, replays, lambda: self.arena, self.agent.on_policy, left.get('memory'))
        self.seed_steps += 0 if len(self.replay) else self.start  # a memory that is empty again
        self.scores, self.evaluated, self.best, self.broken = [], None, None, False
        self.mark, self.record = (self.start, time.monotonic()), None
        if left:
            Resume.restore(self, left)

    @cached_property
    def arena(self):
        """Environments of evaluation, on seeds of their own; built when first needed, since ten games take seconds."""
        return Build.arena(self.args)

    @cached_property
    def logger(self):
        """Opened with the first line: a run that cannot begin leaves the files of earlier ones where they are."""
        return Resume.open_log(self)

    def train(self):
        """Evaluate, act, remember, learn, log, save. Ctrl-C waits for the end of a step."""
        args, agent = scalars(self.args), self.agent
        stride = 1 if args.offline else args.num_envs
        while agent.step < args.train_steps:
            if self.evaluated != agent.step and (self.due(args.evaluate_per_steps, stride) or agent.step == 0):
                self.evaluate()
            with self.interrupts.held():
                self.broken = True  # what fails from here on leaves environments and replay that are no more at one
                if self.environment:
                    self.scores += self.environment.rollout(agent, self.replay).tolist()
                agent.step += stride
                if agent.step > self.seed_steps and self.replay.ready:
                    for _ in range(self.due(args.learn_per_steps, stride)):
                        agent.learn(self.replay)
                self.broken = False
            self.logger.progress(agent.step)
            ended = agent.step >= args.train_steps
            if self.due(args.log_per_steps, stride) or ended:
                self.log()
            if self.due(args.save_per_steps, stride) and not ended:
                Resume.save(self, agent.step if self.due(args.keep_checkpoints * args.save_per_steps, stride) else None)
            if self.due(args.load_per_steps, stride):
                self.checkpoints.reload(agent)
        self.finish()
        for _ in range(args.learn_steps_after if agent.step > self.start else 0):
            with self.interrupts.held():
                agent.learn(self.replay)
        self.evaluate()

    def finish(self):
        """The step that is under way is waited for and stored."""
        if self.environment and not self.broken:
            self.scores += self.environment.finish(self.replay).tolist()

    def due(self, period, stride):
        """How many multiples of `period` the last `stride` steps reached: by the step alone, also where it resumes."""
        return int(self.agent.step // period - (self.agent.step - stride) // period) if period else 0

    @property
    def counts(self):
        """The first columns of every log: agent steps, frames, episodes."""
        step, episodes = self.agent.step, self.environment.episodes if self.environment else 0
        return {'step': step, 'frame': step * self.frames_per_step, 'episode': episodes}

    def log(self):
        """A Train line: the scores of the episodes since the last one, the speed, and the losses if agent.log."""
        (step, began), self.mark = self.mark, (self.agent.step, time.monotonic())
        logs = {'fps': (self.agent.step - step) * self.frames_per_step / max(time.monotonic() - began, 1e-9)}
        if self.scores:
            logs['reward'] = sum(self.scores) / len(self.scores)
        self.scores = []
        self.logger.log('Train', self.counts | logs | (self.agent.logs if self.agent.log else {}))

    def evaluate(self):
        """An Eval line and its pictures. It leaves no trace in what is drawn afterwards."""
        from Logging.Evaluation import Report

        if not self.collects:
            began, logger = time.monotonic(), self.logger  # which moves an earlier run's files out of the way
            with separate_random_state(self.args.seed):
                report = Report.evaluate(self.args, self.agent, self.arena, self.replay, self.prefix)
            logger.log('Eval', self.counts | report)
            self.evaluated = self.agent.step
            Resume.keep_best(self, report)
            self.mark = (self.mark[0], self.mark[1] + time.monotonic() - began)  # speed is that of training


def main(args):
    """One run from start to end. Ctrl-C saves what `save=true` promises."""
    if args.reproduce:
        from Runs.Reproduce import reproduce

        return reproduce(args, main)
    if args.reproducible:
        from Logging.Record import require_clean

        require_clean(args)
    with Interrupts() as interrupts, ExitStack() as stack:
        run = Run(args, interrupts)
        stack.callback(Resume.close, run)
        if args.evaluate_checkpoints:
            from Logging.Saving.CheckpointFolder import evaluate_all

            return evaluate_all(run)
        if args.find_lr:
            from Runs.FindRate import find_rate

            return find_rate(run)
        stack.callback(Resume.end, run)  # the last one first
        run.train()
    if args.plotting.plot_experiments is not False and not (args.generate or run.collects):
        from Logging.Plot import plot_run

        plot_run(args)


if __name__ == '__main__':
    sys.exit(launch(main))
