"""Makes the vectors of stable-baselines3 by its own `train` and `collect_rollouts`. Tests read the files only.

python3 -m venv peers && peers/bin/pip install stable-baselines3==2.9.2   # torch 2.14.1 on a CPU
peers/bin/python tests/Agents/vectors/make_stable_baselines3.py
"""

import gymnasium
import numpy as np
import torch
from common import (
    ACTIONS,
    BATCH,
    CHOICES,
    DISCOUNT,
    ENVS,
    LR,
    OBS,
    STEPS,
    TAU,
    UNITS,
    UPDATES,
    History,
    batches,
    flat,
    save,
    spread,
)
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.logger import configure
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

torch.set_num_threads(1)


class Script(gymnasium.Env):
    """Random observations and rewards that do not hear of actions; ends at given steps."""

    def __init__(self, seed, discrete, terminal=(), limits=()):
        self.random, self.t, self.terminal, self.limits = np.random.default_rng(seed), 0, terminal, limits
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBS,), np.float32)
        box = gymnasium.spaces.Box(-1, 1, (ACTIONS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(CHOICES) if discrete else box
        self.rewards, self.finals = [], []

    def observe(self):
        return self.random.normal(size=OBS).astype(np.float32)

    def reset(self, **options):
        return self.observe(), {}

    def step(self, action):
        obs, reward = self.observe(), float(np.float32(self.random.normal()))
        self.finals.append(obs)
        self.rewards.append(reward)
        self.t += 1
        return obs, reward, self.t - 1 in self.terminal, self.t - 1 in self.limits, {}


def on_policy(name, Peer, discrete, **settings):
    """One rollout with two terminals, two time limits and open ends, and one call of `train`."""
    scripts = [Script(1, discrete, (4,), (9,)), Script(2, discrete, (11,), (2,))]
    ends = {kind: np.array([[t in getattr(script, kind) for script in scripts] for t in range(STEPS)])
            for kind in ('terminal', 'limits')}  # fmt: skip
    units = {'pi': [UNITS, UNITS], 'vf': [UNITS, UNITS]}
    model = Peer('MlpPolicy', DummyVecEnv([lambda script=script: script for script in scripts]), n_steps=STEPS,
                 gamma=DISCOUNT, device='cpu', seed=3, policy_kwargs={'net_arch': units, 'activation_fn': nn.Tanh},
                 **settings)  # fmt: skip
    spread(model.policy)
    found = {}

    def vectors():
        policy = model.policy
        parts = {'actor': flat(policy.mlp_extractor.policy_net, policy.action_net),
                 'critic': flat(policy.mlp_extractor.value_net, policy.value_net)}  # fmt: skip
        return parts if discrete else parts | {'log_std': flat(policy.log_std)}

    def train(train=model.train):
        buffer = model.rollout_buffer
        found.update({f'before_{part}': vector for part, vector in vectors().items()})
        found.update(obs=buffer.observations.copy(), log_prob=buffer.log_probs.copy(), value=buffer.values.copy(),
                     advantage=buffer.advantages.copy(), returns=buffer.returns.copy())  # fmt: skip
        action = buffer.actions.copy()
        found['action'] = action[..., 0].astype(np.int64) if discrete else action
        train()

    model.train = train
    model.learn(ENVS * STEPS)
    save(name, **found, **{f'after_{part}': vector for part, vector in vectors().items()},
         reward=np.array([script.rewards for script in scripts]).T,
         final_obs=np.array([script.finals for script in scripts]).swapaxes(0, 1), terminated=ends['terminal'],
         truncated=ends['limits'])  # fmt: skip


def off_policy(Peer, seed, discrete, qf=True, **settings):
    """A model whose replay returns prepared batches, one after the other."""
    units = {'pi': [UNITS, UNITS], 'qf': [UNITS, UNITS]} if qf else [UNITS, UNITS]
    kwargs = {'net_arch': units, 'activation_fn': nn.ReLU} | settings.pop('policy_kwargs', {})
    model = Peer('MlpPolicy', Script(0, discrete), gamma=DISCOUNT, tau=TAU, learning_rate=LR, buffer_size=10,
                 device='cpu', seed=3, policy_kwargs=kwargs, **settings)  # fmt: skip
    model.set_logger(configure(None, []))
    spread(model.policy)
    data = batches(seed, discrete)
    t = {key: torch.from_numpy(value) for key, value in data.items()}
    samples = iter([
        ReplayBufferSamples(t['obs'][u], t['action'][u].view(BATCH, -1), t['next_obs'][u], t['done'][u, :, None],
                            t['reward'][u, :, None])
        for u in range(UPDATES)
    ])  # fmt: skip
    model.replay_buffer.sample = lambda batch_size, env=None: next(samples)
    return model, data, t


def dqn():
    model, data, _ = off_policy(DQN, 1, True, qf=False, target_update_interval=1, max_grad_norm=0.5)
    model.q_net_target.load_state_dict(model.q_net.state_dict())
    before, history = flat(model.q_net), History()
    for _ in range(UPDATES):
        model.train(1, BATCH)
        model._on_step()  # moves the target
        history.add(critic=flat(model.q_net), target_critic=flat(model.q_net_target),
                    critic_loss=model.logger.name_to_value['train/loss'])  # fmt: skip
    save('stable_baselines3_dqn', **data, before_critic=before, **history.stack())


def sac():
    model, data, t = off_policy(SAC, 2, False, ent_coef='auto_0.5')
    model.critic_target.load_state_dict(model.critic.state_dict())
    actor = model.actor

    def squashed(obs):
        """The bounds of log deviations as here and in CleanRL, by a tanh and not by a clamp."""
        latent = actor.latent_pi(obs)
        return actor.mu(latent), -5 + 7 * (actor.log_std(latent).tanh() + 1) / 2, {}

    actor.get_action_dist_params = squashed
    vectors = lambda: {'actor': flat(actor.latent_pi, (actor.mu, actor.log_std)), 'critic': flat(model.critic),  # noqa: E731
                       'temperature': flat(model.log_ent_coef)}  # fmt: skip
    before, history = vectors(), History()
    normal = torch.distributions.normal
    for u in range(UPDATES):
        noise = iter((t['noise'][1, u], t['noise'][0, u]))  # first the actor's, then the target's
        normal._standard_normal = lambda *_, noise=noise, **__: next(noise)
        model.train(1, BATCH)
        history.add(**vectors(), target_critic=flat(model.critic_target),
                    critic_loss=model.logger.name_to_value['train/critic_loss'],
                    actor_loss=model.logger.name_to_value['train/actor_loss'])  # fmt: skip
    save('stable_baselines3_sac', **data, **{f'before_{k}': v for k, v in before.items()}, **history.stack())


def td3(name, critics):
    small = {'eps': 1e-10}  # so that the scale of a loss does not count: a sum over critics there, a mean here
    model, data, t = off_policy(TD3, 3, False, policy_delay=1,
                                policy_kwargs={'n_critics': critics, 'optimizer_kwargs': small})  # fmt: skip
    model.critic_target.load_state_dict(model.critic.state_dict())
    model.actor_target.load_state_dict(model.actor.state_dict())
    before, history = {'before_actor': flat(model.actor), 'before_critic': flat(model.critic)}, History()
    normal = torch.Tensor.normal_
    for u in range(UPDATES):
        torch.Tensor.normal_ = lambda self, mean, std, u=u: self.copy_(mean + std * t['noise'][0, u])
        model.train(1, BATCH)
        torch.Tensor.normal_ = normal
        history.add(actor=flat(model.actor), critic=flat(model.critic), target_actor=flat(model.actor_target),
                    target_critic=flat(model.critic_target),
                    critic_loss=model.logger.name_to_value['train/critic_loss'],
                    actor_loss=model.logger.name_to_value['train/actor_loss'])  # fmt: skip
    save(name, **data, **before, **history.stack())


if __name__ == '__main__':
    for kind, discrete in (('discrete', True), ('continuous', False)):
        on_policy(f'stable_baselines3_a2c_{kind}', A2C, discrete, learning_rate=LR, gae_lambda=0.9, ent_coef=0.01)
        options = {'learning_rate': LR, 'gae_lambda': 0.9, 'ent_coef': 0.01, 'n_epochs': 4, 'clip_range': 0.1}
        for norm in (False, True):
            on_policy(f'stable_baselines3_ppo_{kind}{"_normalized" * norm}', PPO, discrete, batch_size=ENVS * STEPS,
                      normalize_advantage=norm, **options)  # fmt: skip
    dqn()
    sac()
    td3('stable_baselines3_td3', 2)
    td3('stable_baselines3_td3_one_critic', 1)
