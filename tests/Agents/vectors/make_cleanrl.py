"""Makes the vectors of CleanRL by its own classes and the statements of its scripts' update. Tests read the files only.

CleanRL has scripts and no functions to import: the update is taken out of a script's loop as it stands there and run
with prepared batches. Its networks keep their code and get layers of 8 units.

    git clone https://github.com/vwxyzjn/cleanrl && git -C cleanrl checkout fe8d8a0   # 2.0.0b1, April 2026
    peers/bin/python tests/Agents/vectors/make_cleanrl.py cleanrl   # the environment of make_stable_baselines3.py
"""

import ast
import subprocess
import sys
from types import SimpleNamespace

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
from torch import nn, optim
from torch.distributions.categorical import Categorical
from torch.distributions.normal import Normal
from torch.nn import functional as F

COMMIT = 'fe8d8a03c41a7ef5b523e2e354bd01c363e786bb'
torch.set_num_threads(1)


def box(discrete):
    action = {'n': CHOICES, 'shape': ()} if discrete else {'shape': (ACTIONS,)}
    bounds = {'low': -np.ones(ACTIONS, np.float32), 'high': np.ones(ACTIONS, np.float32)}
    return SimpleNamespace(single_observation_space=SimpleNamespace(shape=(OBS,)),
                           single_action_space=SimpleNamespace(**action, **bounds))  # fmt: skip


class Script:
    """A script of CleanRL: `names` are its classes and the variables of its update, which `update` runs."""

    def __init__(self, name, discrete, **args):
        show = ['git', '-C', sys.argv[1], 'show', f'{COMMIT}:cleanrl/{name}.py']
        tree = ast.parse(subprocess.run(show, capture_output=True, check=True, text=True).stdout)
        common = {'gamma': DISCOUNT, 'tau': TAU, 'batch_size': BATCH, 'learning_starts': 0, 'train_frequency': 1,
                  'target_network_frequency': 1, 'policy_frequency': 1, 'update_frequency': 1}  # fmt: skip
        self.names = {'torch': torch, 'nn': nn, 'F': F, 'np': np, 'Categorical': Categorical, 'Normal': Normal,
                      'device': torch.device('cpu'), 'envs': box(discrete), 'global_step': 0,
                      'args': SimpleNamespace(**common | args)}  # fmt: skip
        wanted = [node for node in tree.body if getattr(node, 'name', '') not in ('Args', 'make_env', '')
                  or isinstance(node, ast.Assign)]  # fmt: skip
        self.run(wanted)
        main = next(node for node in tree.body if isinstance(node, ast.If))
        self.loop = next(node for node in reversed(main.body) if isinstance(node, ast.For)
                         and ast.unparse(node.target) in ('global_step', 'iteration')).body  # fmt: skip

    def run(self, nodes):
        exec(compile(ast.Module(nodes, []), 'cleanrl', 'exec'), self.names)

    def __getattr__(self, name):
        return self.names[name]

    def learn(self, data, u):
        """Runs the last statement of the loop over steps, `if global_step > args.learning_starts`, on batch u."""
        t = {key: torch.from_numpy(value[u]) for key, value in data.items() if key != 'noise'}
        batch = SimpleNamespace(observations=t['obs'], next_observations=t['next_obs'], rewards=t['reward'][:, None],
                                actions=t['action'].view(BATCH, -1), dones=t['done'][:, None])  # fmt: skip
        training = self.loop[-1]
        assert ast.unparse(training.test) == 'global_step > args.learning_starts'
        self.names |= {'rb': SimpleNamespace(sample=lambda size: batch), 'global_step': u + 1}
        self.run([training])


def layers(inputs, outputs, activation):
    return nn.Sequential(nn.Linear(inputs, UNITS), activation(), nn.Linear(UNITS, UNITS), activation(),
                         nn.Linear(UNITS, outputs))  # fmt: skip


def ppo(name, script, discrete):
    args = {'num_steps': STEPS, 'gae_lambda': 0.9, 'update_epochs': 4, 'batch_size': ENVS * STEPS, 'norm_adv': False,
            'minibatch_size': ENVS * STEPS, 'clip_coef': 0.1, 'clip_vloss': True, 'ent_coef': 0.01, 'vf_coef': 0.5,
            'max_grad_norm': 0.5, 'target_kl': None}  # fmt: skip
    script = Script(script, discrete, **args)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  # CleanRL shuffles steps by it
    random = np.random.default_rng(1)
    agent = script.Agent(script.envs)
    agent.critic = layers(OBS, 1, nn.Tanh)
    body = layers(OBS, CHOICES if discrete else ACTIONS, nn.Tanh)
    setattr(agent, 'actor' if discrete else 'actor_mean', body)
    spread(agent)

    def vectors():
        parts = {'actor': flat(body), 'critic': flat(agent.critic)}
        return parts if discrete else parts | {'log_std': flat(agent.actor_logstd)}

    obs = torch.from_numpy(random.normal(size=(STEPS + 1, ENVS, OBS)).astype(np.float32))
    reward = torch.from_numpy(random.normal(size=(STEPS, ENVS)).astype(np.float32))
    terminated = torch.zeros(STEPS, ENVS)
    terminated[4, 0] = terminated[11, 1] = 1  # CleanRL does not tell time limits from terminals
    with torch.no_grad():
        action, log_prob, _, value = agent.get_action_and_value(obs[:-1].flatten(0, 1))
    view = lambda x: x.view(STEPS, ENVS, *x.shape[1:])  # noqa: E731
    script.names |= {
        'agent': agent, 'optimizer': optim.Adam(agent.parameters(), lr=LR, eps=1e-5), 'obs': obs[:-1],
        'actions': view(action), 'logprobs': view(log_prob), 'values': view(value.flatten()), 'rewards': reward,
        'dones': torch.cat([torch.zeros(1, ENVS), terminated[:-1]]), 'next_done': terminated[-1], 'next_obs': obs[-1],
    }  # fmt: skip
    before = {f'before_{part}': vector for part, vector in vectors().items()}
    kinds = [type(node) for node in script.loop]
    script.run(script.loop[kinds.index(ast.With) : len(kinds) - kinds[::-1].index(ast.For)])  # to the end of epochs
    save(name, **before, **{f'after_{part}': vector for part, vector in vectors().items()}, obs=obs[:-1],
         action=view(action), reward=reward, terminated=terminated.bool(), truncated=torch.zeros(STEPS, ENVS).bool(),
         final_obs=obs[1:], log_prob=view(log_prob), value=view(value.flatten()), advantage=script.advantages,
         returns=script.returns)  # fmt: skip


def dqn(name, script, outputs, eps=1e-8, **args):
    script, data = Script(script, True, **args), batches(1, True)
    torch.manual_seed(1)
    distribution = {key: args[key] for key in ('n_atoms', 'v_min', 'v_max') if key in args}
    q, target = (script.QNetwork(script.envs, **distribution) for _ in range(2))
    q.network, target.network = layers(OBS, outputs, nn.ReLU), layers(OBS, outputs, nn.ReLU)
    spread(q)
    target.load_state_dict(q.state_dict())
    script.names |= {'q_network': q, 'target_network': target, 'optimizer': optim.Adam(q.parameters(), lr=LR, eps=eps)}
    before, history = flat(q.network), History()
    for u in range(UPDATES):
        script.learn(data, u)
        history.add(critic=flat(q.network), target_critic=flat(target.network), critic_loss=script.loss.item())
    save(name, **data, before_critic=before, **history.stack())


def actor_critic(script, critics, actor, **variables):
    """Two critics, their targets, and optimizers, of a small epsilon so that the scale of a loss does not count."""
    qf1, qf2, qf1_target, qf2_target = critics
    spread(qf1, qf2, actor)
    qf1_target.load_state_dict(qf1.state_dict())
    qf2_target.load_state_dict(qf2.state_dict())
    script.names |= {
        'qf1': qf1, 'qf2': qf2, 'qf1_target': qf1_target, 'qf2_target': qf2_target, 'actor': actor,
        'q_optimizer': optim.Adam([*qf1.parameters(), *qf2.parameters()], lr=LR, eps=1e-10),
        'actor_optimizer': optim.Adam(actor.parameters(), lr=LR, eps=1e-10), **variables,
    }  # fmt: skip


def small(cls, envs, actions):
    """A network of CleanRL's class with small layers: fc1, fc2, fc3 of a critic, else the actor's own."""
    network = cls(envs)
    inputs = OBS + (ACTIONS if hasattr(network, 'fc3') else 0)
    network.fc1, network.fc2 = nn.Linear(inputs, UNITS), nn.Linear(UNITS, UNITS)
    for name, size in (('fc3', 1), ('fc_mean', actions), ('fc_logstd', actions), ('fc_mu', actions)):
        if hasattr(network, name):
            setattr(network, name, nn.Linear(UNITS, size))
    return network


def sac():
    """With a given temperature: CleanRL draws once more, and from the moved actor, to learn its own."""
    script, data = Script('sac_continuous_action', False, autotune=False), batches(2, False)
    torch.manual_seed(2)
    critics = [small(script.SoftQNetwork, script.envs, ACTIONS) for _ in range(4)]
    actor = small(script.Actor, script.envs, ACTIONS)
    actor_critic(script, critics, actor, alpha=0.5)
    vectors = lambda: {'actor': flat(actor.fc1, actor.fc2, (actor.fc_mean, actor.fc_logstd)),  # noqa: E731
                       'critic': flat(*critics[:2])}  # fmt: skip
    before, history = vectors(), History()
    for u in range(UPDATES):
        noise = iter(torch.from_numpy(data['noise'][:, u]))
        torch.distributions.normal._standard_normal = lambda *_, noise=noise, **__: next(noise)
        script.learn(data, u)
        history.add(**vectors(), target_critic=flat(*critics[2:]), critic_loss=script.qf_loss.item(),
                    actor_loss=script.actor_loss.item())  # fmt: skip
    save('cleanrl_sac', **data, **{f'before_{k}': v for k, v in before.items()}, **history.stack())


def sac_discrete():
    """CleanRL's networks for Atari with a linear layer for their convolutions, which divide by 255."""
    script, data = Script('sac_atari', True, autotune=False), batches(4, True)
    torch.manual_seed(4)

    def network(cls, head):
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.conv, made.fc1 = nn.Linear(OBS, UNITS), nn.Linear(UNITS, UNITS)
        setattr(made, head, nn.Linear(UNITS, CHOICES))
        return made

    critics, actor = [network(script.SoftQNetwork, 'fc_q') for _ in range(4)], network(script.Actor, 'fc_logits')
    actor_critic(script, critics, actor, alpha=0.5)
    before, history = {'before_actor': flat(actor), 'before_critic': flat(*critics[:2])}, History()
    pixels = data | {name: 255 * data[name] for name in ('obs', 'next_obs')}
    for u in range(UPDATES):
        script.learn(pixels, u)
        history.add(actor=flat(actor), critic=flat(*critics[:2]), target_critic=flat(*critics[2:]),
                    critic_loss=script.qf_loss.item(), actor_loss=script.actor_loss.item())  # fmt: skip
    save('cleanrl_sac_discrete', **data, **before, **history.stack())


def td3():
    """The critics beside an actor that rests; targets move at every second update."""
    script = Script('td3_continuous_action', False, policy_noise=0.2, noise_clip=0.5, policy_frequency=2)
    data = batches(3, False)
    torch.manual_seed(3)
    critics = [small(script.QNetwork, script.envs, ACTIONS) for _ in range(4)]
    actor, target = (small(script.Actor, script.envs, ACTIONS) for _ in range(2))
    actor_critic(script, critics, actor, target_actor=target, actor_optimizer=optim.SGD(actor.parameters(), lr=0.0))
    target.load_state_dict(actor.state_dict())
    before, history = {'before_actor': flat(actor), 'before_critic': flat(*critics[:2])}, History()
    draw = torch.randn_like
    for u in range(UPDATES):
        torch.randn_like = lambda *_, u=u, **__: torch.from_numpy(data['noise'][0, u])
        script.learn(data, u)
        history.add(critic=flat(*critics[:2]), target_critic=flat(*critics[2:]), critic_loss=script.qf_loss.item())
    torch.randn_like = draw
    save('cleanrl_td3', **data, **before, **history.stack())


if __name__ == '__main__':
    ppo('cleanrl_ppo_discrete', 'ppo', True)
    ppo('cleanrl_ppo_continuous', 'ppo_continuous_action', False)
    dqn('cleanrl_dqn', 'dqn', CHOICES)
    atoms = 11
    dqn('cleanrl_c51', 'c51', CHOICES * atoms, eps=0.01 / BATCH, n_atoms=atoms, v_min=-3, v_max=3)
    sac()
    sac_discrete()
    td3()
