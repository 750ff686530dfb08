"""Seconds of training until a goal is reached; each measurement is a new training with the next seed."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks import settings
from benchmarks.contest import LESS, Contender, Measure, Row, Size
from Support.Files import PROJECT
from Support.Schedules import schedule

DATA = PROJECT.parent / 'shared' / 'datasets'  # MNIST in torchvision's layout
CARTPOLE = f'{settings.CARTPOLE} learn_per_steps=256 agent.epochs=20 lr=linear(1e-3,0,100000)'  # rl-baselines3-zoo
MNIST = f'recipe=mnist_fast train_steps=938 data={DATA}'  # two epochs in batches of 128
SOLVED, EPISODES, STEPS = 475, 20, 200_000  # mean return of the latest episodes; maximum of steps


def timed(seconds_of: Callable[[int, Size], float]) -> Callable[[Size], Measure]:
    """Returns a contender that measures `seconds_of(seed, size)` with seeds 1, 2, ..."""

    def build(size: Size) -> Measure:
        seeds = itertools.count(1)
        return lambda: seconds_of(next(seeds), size)

    return build


def solve(seed: int, size: Size) -> float:
    """Trains this program's PPO until CartPole is solved. Returns the seconds."""
    solved, newest = size.of(SOLVED, 1), []

    class Enough(Exception):
        pass

    with tempfile.TemporaryDirectory() as folder:
        training = settings.training_of(f'{CARTPOLE} seed={seed} train_steps={STEPS}', folder)
        environment = training.parts.environment
        assert environment
        rollout = environment.rollout

        def watched(agent, replay):
            scores = rollout(agent, replay)
            newest.extend(scores)
            if len(scores) and len(newest) >= EPISODES and np.mean(newest[-EPISODES:]) >= solved:
                raise Enough
            return scores

        environment.rollout = watched  # type: ignore[method-assign]
        began = time.perf_counter()
        try:
            training.run()
        except Enough:
            return time.perf_counter() - began
    raise RuntimeError(f'not solved within {STEPS} steps with seed {seed}')


def solve_sb3(seed: int, size: Size) -> float:
    """Trains stable-baselines3's PPO with the same hyperparameters (rl-baselines3-zoo). Returns the seconds."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    solved = size.of(SOLVED, 1)

    class Watch(BaseCallback):
        def _on_step(self):
            newest = [episode['r'] for episode in self.model.ep_info_buffer]
            return len(newest) < EPISODES or np.mean(newest) < solved

    model = PPO('MlpPolicy', make_vec_env('CartPole-v1', 8, seed=seed), seed=seed, n_steps=32, batch_size=256,
                n_epochs=20, gae_lambda=0.8, gamma=0.98, learning_rate=lambda left: 1e-3 * max(0.0, 2 * left - 1),
                clip_range=0.2, ent_coef=0.0, stats_window_size=EPISODES, device='cpu')  # fmt: skip
    began = time.perf_counter()
    model.learn(STEPS, callback=Watch())
    if model.num_timesteps >= STEPS:
        raise RuntimeError(f'not solved within {STEPS} steps with seed {seed}')
    return time.perf_counter() - began


def recognize(precision: str) -> Callable[[int, Size], float]:
    """Returns the seconds of two epochs of MNIST with Run.py's own loop, as a function of seed and size."""

    def seconds_of(seed: int, size: Size) -> float:
        with tempfile.TemporaryDirectory() as folder:
            words = f'{MNIST} {"train_steps=4" if size.quick else ""} precision={precision} seed={seed}'
            training = settings.training_of(words, folder)
            began = time.perf_counter()
            training.run()
            passed = time.perf_counter() - began
            told = training.parts.arena.evaluate(training.parts.agent, training.parts.arena.suite.episodes)
        return reached(passed, (told['actions'].argmax(1) == told['labels']).mean(), size)

    return seconds_of


def recognize_lightning(seed: int, size: Size) -> float:
    """Returns the seconds with Lightning's Trainer in fp32, with the same network, augmentation, rate and smoothing."""
    from lightning import LightningModule, Trainer, seed_everything
    from torch.utils.data import DataLoader, TensorDataset
    from torchvision.datasets import MNIST as Digits

    seed_everything(seed, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        training = settings.training_of(f'{MNIST} precision=fp32 seed={seed}', folder)
    creator, aug, args = training.parts.agent.creator, training.parts.agent.aug, training.parts.args
    parts = [Digits(DATA, train) for train in (True, False)]
    sets = [TensorDataset(part.data.unsqueeze(1).float(), part.targets) for part in parts]
    steps = size.of(args.train_steps, 4)

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.creator = creator

        def training_step(self, samples, _):
            obs, label = samples
            logits = creator.actor(creator.encoder(aug(obs)))
            return F.cross_entropy(logits, label, label_smoothing=args.agent.label_smoothing)

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), 1.0, weight_decay=args.weight_decay)
            rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(args.lr, step))
            return {'optimizer': optimizer, 'lr_scheduler': {'scheduler': rates, 'interval': 'step'}}

    trainer = Trainer(accelerator='cpu', logger=False, barebones=True, max_steps=steps)
    began = time.perf_counter()
    trainer.fit(Module(), DataLoader(sets[0], args.batch_size, shuffle=True))
    passed = time.perf_counter() - began
    creator.eval()
    with torch.no_grad():
        named = torch.cat([creator.actor(creator.encoder(obs)).argmax(1) for obs in sets[1].tensors[0].split(500)])
    return reached(passed, (named == sets[1].tensors[1]).float().mean().item(), size)


def reached(seconds: float, accuracy: float, size: Size) -> float:
    """Returns the seconds if the accuracy is at least 99 %. Raises RuntimeError otherwise."""
    if accuracy < size.of(0.99, 0.0):
        raise RuntimeError(f'{100 * float(accuracy):.2f} % after {seconds:.1f} s')
    return seconds


ROWS = {
    'cartpole-475': Row(
        f'PPO on CartPole until the mean return of the last {EPISODES} training episodes is {SOLVED}, with the '
        'hyperparameters of rl-baselines3-zoo', 'seconds',
        {'ours': Contender(timed(solve)), 'stable-baselines3': Contender(timed(solve_sb3), 'stable-baselines3')},
        comparison=LESS,
    ),
    'mnist-99': Row(
        'Two epochs of MNIST with a small CNN, after which the test accuracy is at least 99 %', 'seconds',
        {
            'ours': Contender(timed(recognize('null'))),
            'ours, fp32': Contender(timed(recognize('fp32'))),
            'lightning, fp32': Contender(timed(recognize_lightning), 'lightning'),
        },
        comparison=LESS,
    ),
}  # fmt: skip
