"""The one update that every agent shares."""

import inspect
from contextlib import nullcontext
from copy import deepcopy
from functools import cached_property, partial

import torch
from torch import nn

from Agents.Domains import Classifies, Gan, Generates
from Agents.Losses.TemporalDifference import bootstrap, td_loss
from Agents.Optimizers import Accumulator, groups
from Agents.Phase import Phase as Phase
from Agents.Precision import Lowered
from Blocks.Actors import Actor, choose_largest
from Blocks.Architectures import Null
from Blocks.Critics import Critic
from Blocks.Encoders import Encoder, RecordEncoder
from Blocks.PackedObservations import OnImages
from Blocks.Shapes import build
from Datasets.Experience import to
from Support.Errors import UserError, one_line
from Support.Schedules import schedule


class Agent(Classifies, Generates, nn.Module):
    """A creator (encoder, actor, critic), the phases it learns in, and copies of it that follow slowly.

    Which domain, cast, blocks and phases: decided here, once. A subclass sets its own hyperparameters before it calls
    this constructor, says in `reinforce` which blocks control takes, and in `next_value` what follows is worth.

    Arguments:
        spec: of the suite. recipes: the blocks, as nested dicts of partials or None (`Blocks.Shapes.build`).
        frame_stack: frames in an observation. generate, RL, supervise: the domain, see `Agents.Casts`.
        lr: learning rate, a number or a schedule over agent steps. optimizer: a torch.optim class or partial.
        rates: part of the creator -> factor of lr, a number or a schedule; while it is 0 the part is frozen.
        clip_grad_norm: of each phase's gradient; None for none. accumulate: updates whose gradients make one step.
        huber: critics learn by the Huber loss, not the square. label_smoothing: share of a label that all classes get.
        gan: how images are judged, fields of `Agents.Domains.Gan`.
        stddev_schedule: deviation of the exploration noise. explore_steps: uniformly random actions before this step.
        target_tau, target_period: every `period` updates the target creator moves by tau towards the creator
            (tau 1: a copy; tau 1 and period 1: there is none, the creator is its own target).
        ema, ema_decay: act and evaluate with moving-average weights.
        precision: 'fp32', or 'bf16' for autocast. parallel: DataParallel of the eyes. log: losses in the Train log.
    """

    on_policy = False  # learns from nothing but what it just did; a domain's constructor may set it

    def __init__(self, spec, recipes=None, *, frame_stack=1, generate=False, RL=True, supervise=True, lr=1e-4,
                 weight_decay=0.0, optimizer=torch.optim.AdamW, rates=None, clip_grad_norm=None, accumulate=1,
                 trunk_dim=50, hidden_dim=512, num_critics=1, huber=False, label_smoothing=0.0, gan=None,
                 stddev_schedule=0.2, explore_steps=0, target_tau=0.01, target_period=1, latent_dim=64, ema=False,
                 ema_decay=0.999, precision='fp32', parallel=False, log=False):  # fmt: skip
        super().__init__()
        self.spec, self.recipes, self.parallel = spec, recipes or {}, parallel
        self.obs_shape = (spec.obs_shape[0] * frame_stack, *spec.obs_shape[1:])
        self.latent_shape = (latent_dim,)
        self.trunk_dim, self.hidden_dim, self.num_critics = trunk_dim, hidden_dim, num_critics
        self.RL, self.supervise, self.huber, self.label_smoothing = RL, supervise, huber, label_smoothing
        self.gan = Gan(**(gan or {}))
        self.exploration, self.explore_steps = stddev_schedule, explore_steps
        self.domain = 'generate' if generate else spec.kind
        self.aug = self.build_aug()
        self.creator, self.cast, self.phases = getattr(self, self.domain)()
        self.step, self.updates, self.logs, self.log = 0, 0, {}, log  # step: the run's, in agent steps
        self.target_tau, self.target_period = target_tau, target_period
        self.target = None if target_tau == 1 and target_period == 1 else deepcopy(self.creator).requires_grad_(False)
        self.ema_decay = ema_decay
        self.average = deepcopy(self.creator).requires_grad_(False) if ema else None
        self.precision, self.lowerings = precision, {}  # creator -> Lowered
        self.clip_grad_norm, self.lr, self.rates = clip_grad_norm, lr, self.checked(rates)
        self.accumulator = Accumulator(accumulate) if accumulate > 1 else None
        fused = {'fused': True} if 'fused' in inspect.signature(optimizer).parameters else {}  # one pass, not ten
        self.build_optimizer = partial(optimizer, lr=schedule(lr, 0), **fused)
        self.weight_decay = weight_decay
        self.register_buffer('here', torch.empty(0), persistent=False)  # moves with the agent

    @cached_property
    def optimizer(self):
        """Of the creator; built when first needed: torch.optim then imports its compiler, 1.4 s of the start."""
        parts = dict(self.creator.named_children()) if self.rates else {'creator': self.creator}  # few groups are fast
        try:
            return self.build_optimizer(groups(parts, self.weight_decay))
        except (TypeError, ValueError) as error:
            raise UserError(f'agent.optimizer cannot be built: {one_line(error)}') from error

    def checked(self, rates):
        """Factors of the learning rate that are not 1, by part. Raises UserError if there is no such part."""
        rates = {name: rate for name, rate in (rates or {}).items() if rate != 1}
        parts = [name for name, _ in self.creator.named_children()]
        for name in rates:
            if name not in parts:
                raise UserError(f"No part '{name}' for agent.rates: here they are {', '.join(parts)}.")
        return rates

    def rate(self, part):
        """Factor of the learning rate of a part at this step."""
        return schedule(self.rates.get(part, 1.0), self.step)

    @cached_property
    def trained(self):
        """The parameters that each phase trains, by part."""
        return {
            phase: {part: list(getattr(self.creator, part).parameters()) for part in phase.trains}
            for phase in self.phases
        }

    # Domains: blocks, cast, phases

    def reinforce(self):
        """What control takes -> Creator, cast, phases."""
        raise TypeError(f'{type(self).__name__} does not say how it acts')

    def build_aug(self):
        recipe = self.recipes.get('aug')
        if recipe and self.spec.obs_kind == 'record':
            return OnImages(recipe, self.obs_shape, self.spec.parts)
        return build(recipe or Null, self.obs_shape)

    def build_encoder(self, recipe=None, **arguments):
        recipe = recipe or self.recipes.get('encoder') or {}
        kind, parts = self.spec.obs_kind, self.spec.parts
        encoder = partial(RecordEncoder, parts=parts) if kind == 'record' else partial(Encoder, kind=kind)
        return encoder(self.obs_shape, **recipe, mean=self.spec.mean, std=self.spec.std, parallel=self.parallel,
                    **arguments)  # fmt: skip

    def build_actor(self, repr_shape, output_shape):
        recipe = self.recipes.get('actor') or {}
        return Actor(repr_shape, output_shape, **recipe, trunk_dim=self.trunk_dim, hidden_dim=self.hidden_dim)

    def build_critic(self, repr_shape, action_shape, num_actions=None, **arguments):
        recipe = self.recipes.get('critic') or {}
        return Critic(repr_shape, action_shape, num_actions, **recipe, ensemble=self.num_critics,
                      trunk_dim=self.trunk_dim, hidden_dim=self.hidden_dim, **arguments)  # fmt: skip

    # Acting

    @property
    def device(self):
        return self.here.device

    @property
    def noise(self):
        """Of the exploration at this step: a deviation or a probability, as the policy has it."""
        return schedule(self.exploration, self.step)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == 'bf16' else nullcontext()

    def lowered(self, creator):
        """For passes in which a creator (or None) gets no gradient: in bf16 its weights are then cast but once."""
        if self.precision != 'bf16' or creator is None:
            return nullcontext()
        if creator not in self.lowerings:
            self.lowerings[creator] = Lowered(creator)
        return self.lowerings[creator]

    @torch.no_grad()
    def act(self, obs, explore=True, first=None):
        """Observations [N, ...] of NumPy -> actions [N, ...] of NumPy; greedy unless it explores. `first` [N] bool:
        where an episode begins, for agents that remember (None: everywhere)."""
        creator = self.average or self.creator
        if creator.training:  # of it alone: to tell every module takes as long as a layer does
            creator.eval()
        with self.autocast(), self.lowered(creator):
            features = self.see(creator, torch.as_tensor(obs, device=self.device), explore, first)
            policy = creator.policy(features, self.noise if explore else 0.0)
            action = policy.sample() if explore else policy.mode()
        if explore and self.step < self.explore_steps:
            action = self.explore(action)
        return action.float().cpu().numpy() if action.is_floating_point() else action.cpu().numpy()

    def see(self, creator, obs, explore, first):
        """What a creator bases its action on."""
        return creator.encoder(obs)

    def explore(self, action):
        """Uniformly random actions of the same shape."""
        if action.is_floating_point():
            return choose_largest(2 * torch.rand_like(action) - 1, self.spec.one_hots)
        return torch.randint_like(action, self.spec.num_actions)

    # Learning

    def learn(self, memory):
        """One creator update per batch: perceive, cast the task as experience, judge and create, phase by phase."""
        self.prepare()
        for batch in memory.batches(self):
            with self.autocast():
                batch = self.cast(self.perceive(batch), self)
            for phase in self.phases:  # a later phase sees the step of an earlier one
                if self.updates % phase.period:
                    continue
                with self.autocast(), self.lowered(self.target):
                    losses = {name: getattr(self, name)(batch) for name in phase.losses}
                self.optimize(sum(losses.values()), phase)
                self.logs.update({name: loss.detach() for name, loss in losses.items()})
            self.follow()
            if memory.prioritized:
                memory.reprioritize(batch.index, self.logs['td_error'].cpu())
        return self.logs

    def prepare(self):
        """Modules to training; a frozen part's running statistics rest too."""
        for module in (self, self.creator):
            if not module.training:
                module.train()
        for part in self.rates:
            getattr(self.creator, part).train(self.rate(part) > 0)

    def perceive(self, batch):
        """The batch on the agent's device, its images augmented."""
        batch = to(self.device, batch)
        if batch.next_obs is not None:
            batch = batch._replace(next_obs=self.aug(batch.next_obs))
        if batch.future is not None:
            obs = batch.future.obs  # [B, K, ...]
            batch = batch._replace(
                future=batch.future._replace(obs=self.aug(obs.flatten(0, 1)).unflatten(0, obs.shape[:2]))
            )
        return batch._replace(obs=self.aug(batch.obs))

    def optimize(self, loss, phase):
        """One step of the optimiser for what the phase trains: the others get no gradient, so they do not move."""
        parts = {part: own for part, own in self.trained[phase].items() if own and self.rate(part)}
        parameters = [parameter for own in parts.values() for parameter in own]
        if not parameters:  # all of it is frozen
            return
        for group in self.optimizer.param_groups:
            group['lr'] = schedule(self.lr, self.step) * self.rate(group['part'])
        loss.backward(inputs=parameters)
        if self.accumulator and not self.accumulator.full(phase, parameters):
            return
        if self.clip_grad_norm:
            nn.utils.clip_grad_norm_(parameters, self.clip_grad_norm)
        self.optimizer.step()
        torch.autograd.graph.increment_version(parameters)  # fused steps do not: copies of weights would not follow
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def follow(self):
        """The target creator and the moving average follow the creator."""
        self.updates += 1
        if self.target is not None and self.updates % self.target_period == 0:
            track(*self.pairs['target'], self.target_tau)
        if self.average is not None:
            track(*self.pairs['average'], 1 - self.ema_decay)

    @cached_property
    def pairs(self):
        """The tensors of each slow creator beside the creator's own; to look for them takes as long as to move them."""
        slow = {'target': self.target, 'average': self.average}
        return {name: beside(module, self.creator) for name, module in slow.items() if module is not None}

    def state(self):
        """What decides, beside its tensors and counters, how it goes on: nested dicts of tensors and numbers."""
        return {'logs': self.logs, 'gradients': self.accumulator and self.accumulator.state(self.trained)}

    def restore(self, state):
        """Goes on from a `state()`."""
        self.logs = state['logs']
        if self.accumulator and state['gradients']:
            self.accumulator.restore(state['gradients'], self.trained)

    # Losses. They see features where the batch had observations.

    @property
    def slow(self):
        """The creator that targets are computed with."""
        return self.target or self.creator

    def critic_loss(self, batch):
        """The critic learns what the action was worth."""
        q = self.creator.critic(batch.obs, batch.action).float()
        self.logs['q'] = q.detach().mean()
        loss, self.logs['td_error'] = td_loss(q, self.returns(batch), batch.weight, self.huber)
        return loss

    @torch.no_grad()
    def returns(self, batch):
        """[B]: the reward, and where something follows, what that is worth."""
        if batch.next_obs is None:
            return batch.reward
        return bootstrap(batch.reward, batch.discount, self.next_value(batch))

    def worth(self, critic, features, policy):
        """[B]: what a policy is worth by the least of the critics, E[min Q] (TD3, arXiv:1802.09477)."""
        return policy.expect(lambda action: critic(features, action).float().amin(0))

    def actor_loss(self, batch):
        """The actor climbs its critic (DDPG, arXiv:1509.02971, eq. 6)."""
        features = batch.obs.detach()
        policy = self.creator.policy(features, self.noise)
        return -self.worth(self.creator.critic, features, policy).mean()


def beside(slow, fast):
    """(parameters, parameters) and (buffers, buffers) of two modules that are alike."""
    return [
        (list(slow.parameters()), list(fast.parameters())),
        (list(slow.buffers()), list(fast.buffers())),
    ]


def track(parameters, buffers, rate):
    """Slow parameters move by `rate` towards fast ones; buffers are copied. Both: (slow ones, fast ones)."""
    if parameters[0]:
        torch._foreach_lerp_(*parameters, rate)
    for mine, theirs in zip(*buffers, strict=True):
        mine.copy_(theirs)
