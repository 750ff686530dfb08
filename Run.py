"""Train and evaluate an agent: `python Run.py key=value ...`. `python Run.py --help` lists the keys."""

import sys
import time
from datetime import datetime
from pathlib import Path

import Utils
from Hyperparams.Compose import launch


class Run:
    """What a config describes, built; and the loop over it."""

    def __init__(self, args):
        from Agents import Checkpoint
        from Environment import Environment
        from Logging.Logger import Logger

        Utils.seed_everything(args.seed)
        Utils.choose_threads(args.threads)
        Utils.keep_freed_memory()
        device = Utils.choose_device(args.device)
        self.args, self.control = args, args.suite_name != 'classify'
        folder = Path(args.experiment, args.agent._target_.split('.')[-1], args.suite_name, f'{args.task_name}_{args.seed}')
        self.prefix = Path(args.root, 'Benchmarking', folder)
        self.checkpoint = Path(args.root, 'Checkpoints', folder, 'agent.safetensors')
        self.replays = Path(args.root, 'Datasets', 'ReplayBuffer', folder)

        def environment(**arguments):
            return Environment(Utils.instantiate(args.suite, seed=args.seed, **arguments), args.frame_stack)

        envs = min(args.evaluate_envs, args.evaluate_episodes or args.evaluate_envs)
        self.arena = environment(num_envs=envs, train=False)
        self.environment = None if args.offline else environment(num_envs=args.num_envs, train=True)
        self.spec = self.arena.suite.spec
        args.obs_shape, args.action_shape = list(self.spec.obs_shape), list(self.spec.action_shape)
        args.precision = Utils.choose_precision(args.precision, device, images=len(self.spec.obs_shape) == 3)
        recipes = Utils.instantiate(args.recipes)
        self.agent = Utils.instantiate(args.agent, spec=self.spec, recipes=recipes, frame_stack=args.frame_stack)
        self.agent.to(device)
        counters = Checkpoint.load(self.checkpoint, self.agent) if args.load else {}
        self.replay = self.remember()
        self.replay.cursor = counters.get('cursor', 0)
        if self.environment:
            self.environment.episodes = counters.get('episodes', 0)
        self.logger = Logger(self.prefix, args.train_steps, args.load, args.tensorboard, self.agent.step if args.load else None)
        self.saved, self.scores, self.mark = args.load, [], (self.agent.step, time.monotonic())

    def remember(self):
        """The memory: a data set, a saved replay, or a new one."""
        from Datasets.Dataset import Dataset
        from Datasets.Replay import Replay

        args, replay = self.args, dict(self.args.replay)
        save, load, path, transform = (replay.pop(key) for key in ('save', 'load', 'path', 'transform'))
        if not self.control and args.offline:
            return Dataset(self.arena.suite.data.train, args.batch_size, args.seed, transform)
        replay['capacity'] = replay['capacity'] or min(args.train_steps, 1_000_000)
        folder, mode = self.replays.with_name(f'{self.replays.name}_{datetime.now():%Y-%m-%d-%H-%M-%S-%f}'), 'w+'
        if load or path or args.offline:
            earlier = sorted(self.replays.parent.glob(f'{self.replays.name}_*/header.json'))
            if not path and not earlier:
                raise Utils.UserError(f'No saved replay at {self.replays}_*: run with replay.save=true first, or give replay.path=')
            folder, mode = path or earlier[-1].parent, 'r' if args.offline else 'r+' if save else 'c'
        return Replay(self.spec, folder, args.num_envs, frame_stack=args.frame_stack, seed=args.seed, mode=mode, **replay)

    def train(self):
        """Act, remember, learn; in between evaluate, log, save."""
        args, agent = self.args, self.agent
        stride = 1 if args.offline else args.num_envs
        start = agent.step
        while True:
            if self.environment and agent.step < args.train_steps:
                self.scores += self.environment.rollout(agent, self.replay).tolist()
            if agent.step in (start, args.train_steps) or self.due(args.evaluate_per_steps, stride):
                self.evaluate()
            if agent.step >= args.train_steps:
                break
            agent.step += stride
            for _ in range(self.updates(stride)):
                agent.learn(self.replay)
            self.logger.progress(agent.step)
            if self.due(args.log_per_steps, stride):
                self.log()
            if self.due(args.save_per_steps, stride):
                self.save()
            if self.due(args.load_per_steps, stride):
                self.reload()
        for _ in range(args.learn_steps_after):
            agent.learn(self.replay)

    def due(self, period, stride):
        """Whether the last `stride` steps reached a multiple of `period` steps; 0 is never."""
        return period and self.agent.step // period > (self.agent.step - stride) // period

    def updates(self, stride):
        """How many updates these steps owe. It depends on the step alone, so a resumed run does not catch up in a burst."""
        period, step = self.args.learn_per_steps, self.agent.step
        if not period or step <= self.args.seed_steps or not self.replay.ready:
            return 0
        return int(step // period - (step - stride) // period)

    @property
    def counts(self):
        """The first columns of every log: agent steps, frames, episodes."""
        step = self.agent.step
        episodes = self.environment.episodes if self.environment else 0
        return {'step': step, 'frame': step * self.arena.suite.frames_per_step, 'episode': episodes}

    def log(self):
        """A Train line: the scores of the episodes since the last one, the speed, and the losses if agent.log."""
        (step, began), self.mark = self.mark, (self.agent.step, time.monotonic())
        logs = {'fps': (self.agent.step - step) * self.arena.suite.frames_per_step / (time.monotonic() - began)}
        if self.scores:
            logs['reward'] = sum(self.scores) / len(self.scores)
        self.scores = []
        self.logger.log('Train', self.counts | logs | (self.agent.logs if self.agent.log else {}))

    def evaluate(self):
        """An Eval line and its pictures: whole episodes, the whole test set, or samples of what the agent creates."""
        from Logging import Video

        args, step, began = self.args, self.agent.step, time.monotonic()
        pictures = self.prefix.with_name(f'{self.prefix.name}_Video_Image')
        if args.generate:
            images = self.agent.create(args.samples)
            Utils.save_array(self.prefix.with_name(f'{self.prefix.name}_Samples.npy'), images.numpy())
            Video.save_grid(pictures / f'{step}.png', images[:100])
            self.logger.log('Eval', self.counts)
        else:
            episodes = args.evaluate_episodes or self.arena.suite.episodes
            result = self.arena.evaluate(self.agent, episodes, record=args.video and self.control)
            logs = {'reward' if self.control else 'accuracy': result['reward']}
            if self.control:
                logs |= {'reward_std': result['reward_std'], 'length': result['length']}
            self.logger.log('Eval', self.counts | logs)
            if result['video'] is not None:
                Video.save_video(pictures / f'{step}.mp4', result['video'], fps=60 / self.arena.suite.frames_per_step)
        self.mark = (self.mark[0], self.mark[1] + time.monotonic() - began)  # speed is that of training

    def save(self):
        """The agent as it is now; what an earlier run left there is kept under another name."""
        from omegaconf import OmegaConf

        from Agents import Checkpoint

        if not self.saved:
            Utils.keep_earlier(self.checkpoint)
            self.saved = True
        episodes = self.environment.episodes if self.environment else 0
        Checkpoint.save(self.checkpoint, self.agent, {'episodes': episodes, 'cursor': self.replay.cursor})
        Utils.atomic_write(self.checkpoint.with_name('config.yaml'), OmegaConf.to_yaml(self.args))

    def reload(self):
        """The agent as another process saved it last, if there is one; steps stay this run's own."""
        from Agents import Checkpoint

        if self.checkpoint.is_file():
            step = self.agent.step
            Checkpoint.load(self.checkpoint, self.agent)
            self.agent.step = step

    def close(self):
        """Files and environments; a replay that is not to be saved goes, if this run made it."""
        self.logger.close()
        for environment in (self.arena, self.environment):
            if environment:
                environment.suite.close()
        if hasattr(self.replay, 'delete'):
            self.replay.flush() if self.args.replay.save else self.replay.delete()


def main(args):
    """One run from start to end. Ctrl-C saves what `save=true` promises."""
    run = Run(args)
    try:
        run.train()
    finally:
        if args.save and args.train_steps:
            run.save()
        run.close()
    if args.plotting.plot_experiments is not False:
        from Logging.Plot import plot

        names = args.plotting.plot_experiments or [args.experiment]
        plot(Path(args.root, 'Benchmarking'), names, out=Path(args.root, 'Benchmarking', args.experiment, 'Plots'))


if __name__ == '__main__':
    sys.exit(launch(main))
