"""Train and evaluate an agent: `python Run.py key=value ...`. `python Run.py --help` lists the keys."""

import re
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import Utils
from Hyperparams.Compose import launch


class Run:
    """What a config describes, built; and the loop over it."""

    def __init__(self, args, interrupts):
        from Agents import Checkpoint
        from Datasets.Memory import remember
        from Logging.Checkpoints import Checkpoints

        self.began, self.args, self.interrupts = time.monotonic(), args, interrupts
        device, self.control = prepare(args), args.suite_name != 'classify'
        self.collects = bool(args.load_per_steps and not args.learn_per_steps)  # for a learner in another process
        self.prefix, saved, replays = places(args, self.collects)
        self.checkpoints = Checkpoints(saved, args.checkpoint, args.load)

        self.environment = None if args.offline else self.suite(args.num_envs, train=True)
        self.spec = (self.environment or self.arena).suite.spec
        self.frames_per_step = (self.environment or self.arena).suite.frames_per_step
        args.obs_shape = [args.frame_stack * self.spec.obs_shape[0], *self.spec.obs_shape[1:]]
        args.action_shape = list(self.spec.action_shape)
        if args.generate and len(args.obs_shape) != 3:
            raise Utils.UserError(f'generate=true needs images alone, which {args.task_name} has not: task=atari/pong')
        args.precision = Utils.choose_precision(args.precision, device, images=self.spec.images)
        recipes = Utils.instantiate(args.recipes)
        self.agent = Utils.instantiate(args.agent, spec=self.spec, recipes=recipes, frame_stack=args.frame_stack)
        self.agent.to(device)
        if args.compile:
            from Agents.Compile import compile_blocks

            compile_blocks(self.agent)
        if self.environment:
            self.environment.overlap &= not self.agent.on_policy  # which learns from whole rollouts of its own
        left = Checkpoint.load(self.checkpoints.source, self.agent) if args.load else {}
        self.start, self.seed_steps = self.agent.step, 0 if args.offline or self.agent.on_policy else args.seed_steps
        self.replay = remember(args, self.spec, replays, lambda: self.arena, self.agent.on_policy, left.get('memory'))
        if self.start and not len(self.replay):
            self.seed_steps += self.start  # the memory is empty again
        self.scores, self.evaluated, self.best, self.broken = [], None, None, False
        self.mark, self.record = (self.start, time.monotonic()), None
        if left:
            self.restore(left)

    def suite(self, num_envs, train):
        """Environments as the task's files describe them."""
        from Datasets.Suites import fit
        from Environment import Environment

        seed = seed_of(self.args)
        with Utils.own_chance(seed):  # libraries draw from Python's generator when they are first imported
            suite = Utils.instantiate(self.args.suite, num_envs=num_envs, seed=seed, train=train)
        suite = fit(suite, self.args.discrete and self.args.bins)
        return Environment(suite, self.args.frame_stack, overlap=train and self.args.overlap)

    @cached_property
    def arena(self):
        """Environments of evaluation, on seeds of their own; built when first needed, since ten games take seconds."""
        envs = 1 if self.args.generate and self.control else self.args.evaluate_envs
        return self.suite(min(envs, self.args.evaluate_episodes or envs), train=False)

    @cached_property
    def logger(self):
        """Opened with the first line: a run that cannot begin leaves the files of earlier ones where they are."""
        from Logging.Logger import Logger
        from Logging.Record import Record

        cut = self.start if self.start < self.args.train_steps else None  # evaluation alone takes no earlier line away
        evaluated = None if cut is None else self.evaluated
        logger = Logger(self.prefix, self.args.train_steps, self.args.load, self.args.tensorboard, cut, evaluated)
        logger.began -= time.monotonic() - self.began  # `time` counts from the start
        self.record = Record(self.prefix, self.args, self.began, self.replay)
        return logger

    def train(self):
        """Evaluate, act, remember, learn, log, save. Ctrl-C waits for the end of a step."""
        args, agent = Utils.scalars(self.args), self.agent
        stride = 1 if args.offline else args.num_envs
        while agent.step < args.train_steps:
            if self.evaluated != agent.step and (self.due(args.evaluate_per_steps, stride) or agent.step == 0):
                self.evaluate()
            with self.interrupts.held(), self.step():
                if self.environment:
                    self.scores += self.environment.rollout(agent, self.replay).tolist()
                agent.step += stride
                for _ in range(self.updates(args.learn_per_steps, stride)):
                    agent.learn(self.replay)
            self.logger.progress(agent.step)
            ended = agent.step >= args.train_steps
            if self.due(args.log_per_steps, stride) or ended:
                self.log()
            if self.due(args.save_per_steps, stride) and not ended:
                self.save(copy=agent.step if self.due(args.keep_checkpoints * args.save_per_steps, stride) else None)
            if self.due(args.load_per_steps, stride):
                self.reload()
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
        """Whether the last `stride` steps reached a multiple of `period` steps; 0 is never."""
        return period and self.agent.step // period > (self.agent.step - stride) // period

    def updates(self, period, stride):
        """How many updates these steps owe: by the step alone, so that a resumed run does not catch up in a burst."""
        step = self.agent.step
        if not period or step <= self.seed_steps or not self.replay.ready:
            return 0
        return int(step // period - (step - stride) // period)

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
        from Logging import Report
        from Logging.Checkpoints import merit

        if not self.collects:
            began, logger = time.monotonic(), self.logger  # which moves an earlier run's files out of the way
            with Utils.own_chance(self.args.seed):
                report = Report.evaluate(self.args, self.agent, self.arena, self.replay, self.prefix)
            logger.log('Eval', self.counts | report)
            self.evaluated = self.agent.step
            if self.args.keep_best and (score := merit(report)) and (self.best is None or score[1] > self.best):
                self.best = score[1]
                self.save(copy='best')
            self.mark = (self.mark[0], self.mark[1] + time.monotonic() - began)  # speed is that of training

    @contextmanager
    def step(self):
        """What fails within leaves environments and replay that are no more at one."""
        self.broken = True
        yield
        self.broken = False

    def state(self):
        """What decides, beside the agent's tensors, how the run goes on."""
        return {
            'chance': Utils.chance(),
            'agent': self.agent.state(),
            'memory': self.replay.state(),
            'episodes': self.counts['episode'],
            'environment': self.environment.state() if self.environment and not self.broken else None,
            'log': {'scores': self.scores, 'evaluated': self.evaluated, 'best': self.best},
        }

    def restore(self, left):
        """Goes on from a `state()`: with the episodes that were open, if they and the replay are still there."""
        self.agent.restore(left['agent'])
        if self.environment:
            self.environment.episodes = left['episodes']
            if left['environment'] and self.replay.resumed:
                self.environment.restore(left['environment'])
            elif self.replay.resumed:
                self.replay.cut()
                print('The episodes that were open when it was saved cannot be gone on with: others begin')
        self.scores, self.evaluated, self.best = (left['log'][name] for name in ('scores', 'evaluated', 'best'))
        Utils.restore_chance(left['chance'])

    def save(self, copy=None):
        """The agent and its run as they are now. copy: a name under which it stays."""
        from omegaconf import OmegaConf

        with self.interrupts.held():
            self.finish()
            if self.args.save_per_steps and hasattr(self.replay, 'flush'):
                self.replay.flush()
            self.checkpoints.save(self.agent, self.state(), OmegaConf.to_yaml(self.args), copy)

    def reload(self):
        """The agent as another process saved it last, if that is news; steps stay this run's own."""
        from Agents import Checkpoint

        if self.checkpoints.news():
            step = self.agent.step
            Checkpoint.load(self.checkpoints.last, self.agent)
            self.agent.step = step

    def end(self):
        """What save=true promises, if anything was learned."""
        if self.args.save and self.agent.step > self.start and not self.collects:
            self.save()

    def close(self):
        """A replay that is not to be saved goes, if this run made it; then the log's files and the environments."""
        if hasattr(self.replay, 'close'):
            self.replay.close(keep=self.args.replay.save)
        for name in ('logger', 'arena', 'environment'):
            if vars(self).get(name):  # it was built
                (self.logger if name == 'logger' else vars(self)[name].suite).close()
        if self.record:
            self.record.end(self.agent.step)


def prepare(args):
    """Seeds, threads and the device of this process; what the config left open is filled in -> torch.device."""
    Utils.seed_everything(seed_of(args))
    Utils.choose_algorithms(args.deterministic)
    Utils.tune_processor()
    args.threads = Utils.choose_threads(args.threads)
    device = Utils.choose_device(args.device, args.parallel)
    args.device = str(device)
    args.exact = bool(args.save_per_steps or args.load) if args.exact is None else args.exact
    return device


def seed_of(args):
    """Collectors of one run share its name, and so its seed, but do different things."""
    return args.seed + 100_000 * (args.collector - 1)


def places(args, collects):
    """Where the run's files lie: the prefix of its logs, the folder of its agents, the prefix of its replays."""
    task = re.sub(r'[^\w.-]', '_', f'{args.task_name}_{args.seed}')
    folder = Path(args.experiment, args.agent._target_.split('.')[-1], args.suite_name, task)
    collector = f'_Collector{args.collector if args.collector > 1 else ""}' if collects else ''
    parents = (Path(args.root, name) for name in ('Benchmarking', 'Checkpoints', 'Datasets/ReplayBuffer'))
    return [parent / name for parent, name in zip(parents, (f'{folder}{collector}', folder, folder), strict=True)]


def main(args):
    """One run from start to end. Ctrl-C saves what `save=true` promises."""
    if args.reproduce:
        from Logging.Reproduce import reproduce

        return reproduce(args, main)
    if args.reproducible:
        from Logging.Record import require_clean

        require_clean(args)
    with Utils.Interrupts() as interrupts, ExitStack() as stack:
        run = Run(args, interrupts)
        stack.callback(run.close)
        if args.evaluate_checkpoints:
            from Logging.Checkpoints import evaluate_all

            return evaluate_all(run)
        if args.find_lr:
            from Agents.RateFinder import find_rate

            return find_rate(run)
        stack.callback(run.end)  # the last one first
        run.train()
    if args.plotting.plot_experiments is not False and not (args.generate or run.collects):
        from Logging.Plot import plot

        root, names = Path(args.root, 'Benchmarking'), args.plotting.plot_experiments or [args.experiment]
        filters = {name: args.plotting[f'plot_{name}'] for name in ('agents', 'suites', 'tasks', 'seeds')}
        plot(root, names, **filters, out=root / args.experiment / 'Plots')


if __name__ == '__main__':
    sys.exit(launch(main))
