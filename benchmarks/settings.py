"""The agents of the rows of learners and whole loops: defaults of stable-baselines3, and their equivalent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from Support.Interrupts import Interrupts

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from Agents.Agent import Agent
    from Datasets.Experience import Spec
    from Run import Training

QUIET = """tensorboard=false video=false save=false plotting.plot_experiments=false evaluate_per_steps=0
           train_steps=1000000 log_per_steps=10000 explore_steps=0 seed_steps=100"""
DQN = """Agent=DQN task=atari/pong Aug=Null agent.dueling=false agent.double=false agent.epsilon=0.05
         agent.target_tau=1 agent.target_period=2500 nstep=1 learn_per_steps=4 replay.capacity=10000"""
PPO = 'Agent=PPO task=atari/pong lr=2.5e-4'
SAC = """Agent=SAC task=dmc_state/cheetah_run lr=3e-4 agent.temperature=1.0 agent.target_tau=0.005 learn_per_steps=1
         batch_size=256 replay.capacity=100000"""
DRQ = 'Agent=DrQV2 task=dmc/cheetah_run'
CARTPOLE = """Agent=PPO task=gym/cartpole lr=3e-4 learn_per_steps=1024 batch_size=256 agent.epochs=10 hidden_dim=64
              recipes.actor.trunk=Null recipes.critic.trunk=Null
              recipes.actor.pi_head=MLP recipes.actor.pi_head.depth=2 recipes.actor.pi_head.activation=Tanh
              recipes.critic.q_head=MLP recipes.critic.q_head.depth=2 recipes.critic.q_head.activation=Tanh"""


def training_of(words: str, folder: str) -> Training:
    """Returns a Training without evaluation, with the present number of torch's threads and its files in `folder`."""
    from Hyperparams.Compose import compose
    from Run import Training
    from Runs import Build

    here = [f'threads={torch.get_num_threads()}', f'root={folder}', 'device=cpu']
    training = Training(Build.parts(compose([*QUIET.split(), *words.split(), *here])), Interrupts())
    training.evaluate = lambda: None  # type: ignore[method-assign]
    return training


def agent_of(words: str, spec: Spec, precision: str) -> tuple[Agent, DictConfig]:
    """Returns the agent that Run.py builds for these words, and its config."""
    from Hyperparams.Compose import compose
    from Runs import Build

    args = compose([*QUIET.split(), *words.split(), f'precision={precision}'])
    return Build.agent(args, spec, torch.device('cpu')), args


def sb3_dqn(env: Any, **options: Any) -> Any:
    """Returns stable-baselines3's equivalent of DQN."""
    from stable_baselines3 import DQN

    return DQN('CnnPolicy', env, learning_rate=1e-4, buffer_size=10_000, batch_size=32,
               target_update_interval=10_000, max_grad_norm=10, exploration_initial_eps=0.05,
               exploration_final_eps=0.05, **options)  # fmt: skip


def sb3_ppo(env: Any, **options: Any) -> Any:
    """Returns stable-baselines3's equivalent of PPO."""
    from stable_baselines3 import PPO

    return PPO('CnnPolicy', env, learning_rate=2.5e-4, clip_range=0.1, clip_range_vf=0.1, ent_coef=0.01,
               vf_coef=0.5, max_grad_norm=0.5, **options)  # fmt: skip


def sb3_sac(env: Any, **options: Any) -> Any:
    """Returns stable-baselines3's equivalent of SAC."""
    from stable_baselines3 import SAC

    return SAC('MlpPolicy', env, learning_rate=3e-4, buffer_size=100_000, batch_size=256, tau=0.005, **options)
