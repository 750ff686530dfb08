"""Agents for tests: a class with settings of its own, and for the others values that suit small tests."""

import torch

SETTINGS = {  # by the name of a class of Agents; a subclass goes before its bases
    'Agent': {
        'frame_stack': 1, 'generate': False, 'RL': True, 'supervise': True, 'lr': 1e-4, 'weight_decay': 0.0,
        'rates': None, 'clip_grad_norm': None, 'accumulate': 1, 'trunk_dim': 50, 'hidden_dim': 512, 'num_critics': 1,
        'huber': False, 'label_smoothing': 0.0, 'gan': None, 'stddev_schedule': 0.2, 'explore_steps': 0,
        'target_tau': 0.01, 'target_period': 1, 'latent_dim': 64, 'ema': False, 'ema_decay': 0.999,
        'precision': 'fp32', 'parallel': False, 'log': False,
    },
    'A2C': {
        'trace': 1.0, 'value_coef': 0.5, 'entropy_coef': 0.01, 'normalize': False, 'epochs': 1, 'log_std': 0.0,
        'normalize_obs': False, 'normalize_reward': False, 'num_envs': 1, 'memory': 'Forgetful',
    },
    'PPO': {'clip': 0.2, 'clip_value': None, 'target_kl': None, 'trace': 0.95, 'normalize': True, 'epochs': 4},
    'DQN': {
        'epsilon': 0.05, 'temperature': None, 'double': True, 'dueling': False, 'atoms': None,
        'support': (-10.0, 10.0), 'num_proposals': 64, 'huber': True, 'conservative': 0.0,
    },
    'DrQV2': {'num_critics': 2, 'noise_clip': 0.3},
    'SPR': {
        'spr_weight': 5.0, 'projection_dim': 512, 'num_critics': 1, 'reset_period': None, 'shrink': 0.5,
    },
    'SAC': {
        'num_critics': 2, 'temperature': 1.0, 'target_entropy': None, 'conservative': 0.0, 'num_proposals': 10,
    },
    'IQL': {'expectile': 0.7, 'beta': 3.0, 'max_weight': 100.0},
    'TD3': {'noise_clip': 0.5, 'target_noise': 0.2, 'target_period': 2},
    'TD3BC': {'alpha': 2.5, 'normalize_obs': True},
}  # fmt: skip


def make(cls, spec, recipes=None, **settings):
    """An agent of a class with these settings, and SETTINGS for the rest."""
    given = {'optimizer': torch.optim.AdamW}
    for base in reversed(cls.__mro__):
        given |= SETTINGS.get(base.__name__, {})
    return cls(spec, recipes, **given | settings)
