"""The one update that every agent shares."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from Agents.BlockBuilder import BlockBuilder
from Agents.Domains import choose_domain
from Agents.Losses.TemporalDifference import bootstrap, td_loss
from Agents.Phase import Phase, check_phases
from Agents.PhaseOptimizer import PhaseOptimizer
from Agents.Precision import Precision
from Agents.TargetNetworks import Follower, frozen_copy
from Blocks.Actors import choose_largest
from Blocks.Creator import Creator
from Datasets.Experience import Experience, Part, Spec, to
from Support.Schedules import schedule


class _BuiltWhenComplete(type):
    """Builds an agent once its constructor is done, so that a subclass may set things before and after `super`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        agent = super().__call__(*args, **kwargs)
        agent._build()
        return agent


class Agent(nn.Module, metaclass=_BuiltWhenComplete):
    """A creator (encoder, actor, critic), the phases it learns in, its target network and its moving average.

    A subclass says in `reinforce` which blocks, cast and phases control takes, and in `next_value` how much the next
    observation is worth. Hyperparameters may be set before or after `super().__init__`: blocks are built afterwards.

    Arguments (without defaults, which stand with units and ranges in Hyperparams/args.yaml alone; in Python
    `Utils.create_agent(spec, 'Agent=DQN', 'lr=1e-3')` fills them in):
        spec: of the suite. recipes: the user's blocks, see `BlockBuilder`. frame_stack: frames in an observation.
        generate, RL, supervise, label_smoothing, gan, latent_dim: see `Agents.Domains`.
        lr, weight_decay, optimizer, rates, clip_grad_norm, accumulate: see `PhaseOptimizer`.
        trunk_dim, hidden_dim, num_critics, parallel: see `BlockBuilder`.
        huber: critics learn by the Huber loss instead of the square.
        stddev_schedule: deviation of the exploration noise. explore_steps: uniformly random actions before this step.
        target_tau, target_period: every `target_period` updates the target network moves by tau towards the creator
            (tau 1: a copy; tau 1 and period 1: no target network, the creator is its own target).
        ema, ema_decay: act and evaluate with moving-average weights.
        precision: 'fp32', or 'bf16' for autocast. log: losses go to the Train log.
    """

    creator: Creator
    target: Creator | None
    average: Creator | None
    aug: nn.Module
    td_error: torch.Tensor
    _here: torch.Tensor

    def __new__(cls, *args: Any, **kwargs: Any) -> 'Agent':
        agent = super().__new__(cls)
        nn.Module.__init__(agent)  # here, so that a subclass may assign submodules before `super().__init__`
        return agent

    def __init__(self, spec: Spec, recipes: dict[str, Any] | None = None, *, frame_stack: int, generate: bool,
                 RL: bool, supervise: bool, lr: float | str, weight_decay: float,
                 optimizer: Callable[..., torch.optim.Optimizer], rates: dict[str, float | str] | None,
                 clip_grad_norm: float | None, accumulate: int, trunk_dim: int, hidden_dim: int, num_critics: int,
                 huber: bool, label_smoothing: float, gan: dict[str, Any] | None, stddev_schedule: float | str,
                 explore_steps: int, target_tau: float, target_period: int, latent_dim: int, ema: bool,
                 ema_decay: float, precision: str, parallel: bool, log: bool) -> None:  # fmt: skip
        self.spec, self.huber, self.log = spec, huber, log
        self.exploration, self.explore_steps = stddev_schedule, explore_steps
        self.blocks = BlockBuilder(spec, recipes, frame_stack, trunk_dim, hidden_dim, num_critics, parallel)
        self.domain = choose_domain(spec, generate, RL, supervise, label_smoothing, gan, latent_dim)
        self.precision = Precision(precision)
        self.step, self.updates = 0, 0  # agent steps of the run; updates
        self.logs: dict[str, torch.Tensor] = {}
        self.extras: dict[str, np.ndarray] = {}  # [N, ...] each: what the last `act` leaves to be stored with the step
        self.register_buffer('_here', torch.empty(0), persistent=False)  # moves with the agent
        self._optimization = lr, optimizer, weight_decay, rates, clip_grad_norm, accumulate
        own_target = target_tau == 1 and target_period == 1
        self._target = None if own_target else (target_tau, target_period)
        self._average = (1 - ema_decay, 1) if ema else None

    def _build(self) -> None:
        """Builds blocks, optimizer, target network and moving average."""
        self.aug = self.blocks.aug()
        self.creator, self.cast, phases = self.domain.build(self)
        self.phases = check_phases(phases, self.creator, type(self).__name__)
        self.target = frozen_copy(self.creator) if self._target else None
        self.average = frozen_copy(self.creator) if self._average else None
        pairs = (self.target, self._target), (self.average, self._average)
        self._followers = [Follower(copy, self.creator, *rates) for copy, rates in pairs if copy and rates]
        self.optimization = PhaseOptimizer(self.creator, self.phases, *self._optimization)

    def reinforce(self) -> tuple[Creator, Callable[[Experience, 'Agent'], Experience], tuple[Phase, ...]]:
        """The creator of control, its cast (`Agents.Casts`) and its phases."""
        raise TypeError(f'{type(self).__name__} does not say how it acts')

    # Acting

    @property
    def device(self) -> torch.device:
        return self._here.device

    @property
    def noise(self) -> float:
        """Exploration at this step: a deviation, a probability or a temperature, as the policy takes it."""
        return schedule(self.exploration, self.step)

    @property
    def on_policy(self) -> bool:
        """Whether the agent learns only from the steps since its last update."""
        return False

    @property
    def extra_parts(self) -> tuple[Part, ...]:
        """Names, shapes and dtypes of `extras`; each has the name of a field of `Experience`."""
        return ()

    @torch.no_grad()
    def act(self, obs: np.ndarray, explore: bool = True, first: np.ndarray | None = None) -> np.ndarray:
        """Chooses actions [N, ...] for observations [N, ...]; the best ones unless it explores.

        first: [N] bool, an episode begins; for agents with a memory. None: everywhere."""
        creator = self.average or self.creator
        if creator.training:  # only its own flag: setting that of every module takes as long as a layer
            creator.eval()
        with self.precision.autocast(self.device), self.precision.cast_once(creator):
            features = self.encode(creator, torch.as_tensor(obs, device=self.device), explore, first)
            policy = creator.policy(features, self.noise if explore else 0.0)
            action = policy.sample() if explore else policy.mode()
        if explore and self.step < self.explore_steps:
            action = uniform_actions(action, self.spec)
        return action.float().cpu().numpy() if action.is_floating_point() else action.cpu().numpy()

    def encode(self, creator: Creator, obs: torch.Tensor, explore: bool, first: np.ndarray | None) -> torch.Tensor:
        """Features that an action is chosen by."""
        return creator.encoder(obs)

    # Learning

    def learn(self, replay: Any) -> dict[str, torch.Tensor]:
        """Makes one update per batch: perceive, cast as experience, then phase by phase losses and optimizer step.

        Returns the logs: losses and what they note, as tensors."""
        self._train_mode()
        for batch in self.batches(replay):
            with self.precision.autocast(self.device):
                batch = self.cast(self.perceive(batch), self)
            for phase in self.phases:  # a later phase sees the step of an earlier one
                if self.updates % phase.period:
                    continue
                with self.precision.autocast(self.device), self.precision.cast_once(self.target):
                    losses = {loss.__name__: loss(batch) for loss in phase.losses}
                self.optimization.step(sum(losses.values()), phase, self.step)  # type: ignore[arg-type]
                self.logs.update({name: loss.detach() for name, loss in losses.items()})
            self.follow()
            if replay.prioritized:
                replay.reprioritize(batch.index.cpu(), self.td_error.cpu())
        return self.logs

    def batches(self, replay: Any) -> Iterable[Experience]:
        """The batches of one call of `learn`."""
        return replay.batches()

    def _train_mode(self) -> None:
        """Sets modules to training, but a frozen part to evaluation: its running statistics must not move."""
        for module in (self, self.creator):
            if not module.training:
                module.train()
        for part in self.optimization.rates:
            getattr(self.creator, part).train(self.optimization.rate(part, self.step) > 0)

    def perceive(self, batch: Experience) -> Experience:
        """Moves the batch to the agent's device and augments its images."""
        batch = to(self.device, batch)
        if batch.next_obs is not None:
            batch = batch._replace(next_obs=self.aug(batch.next_obs))
        if batch.future is not None:
            obs = batch.future.obs  # [B, K, ...]
            obs = self.aug(obs.flatten(0, 1)).unflatten(0, obs.shape[:2])
            batch = batch._replace(future=batch.future._replace(obs=obs))
        return batch._replace(obs=self.aug(batch.obs))

    def follow(self) -> None:
        """Counts the update; target network and moving average follow the creator."""
        self.updates += 1
        for follower in self._followers:
            follower.update(self.updates)

    def state(self) -> dict[str, Any]:
        """Returns what a resumed run needs beside tensors and counters, as nested dicts of tensors and numbers."""
        return {'logs': self.logs, 'gradients': self.optimization.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Resumes from a `state()`."""
        self.logs = state['logs']
        self.optimization.restore(state['gradients'])

    # Losses. They see features where the batch had observations.

    @property
    def target_creator(self) -> Creator:
        """The creator that targets are computed with: the target network, or the creator if there is none."""
        return self.target or self.creator

    def critic_loss(self, batch: Experience) -> torch.Tensor:
        """Temporal-difference loss of the critic."""
        q = self.creator.critic(batch.obs, batch.action).float()
        self.logs['q'] = q.detach().mean()
        loss, self.td_error = td_loss(q, self.returns(batch), batch.weight, self.huber)
        self.logs['td_error'] = self.td_error
        return loss

    @torch.no_grad()
    def returns(self, batch: Experience) -> torch.Tensor:
        """Targets [B]: the reward and, unless the task ends there, the discounted value of what follows."""
        if batch.next_obs is None:
            return batch.reward
        return bootstrap(batch.reward, batch.discount, self.next_value(batch))

    def next_value(self, batch: Experience) -> torch.Tensor:
        """Value [B] of the next observations."""
        raise TypeError(f'{type(self).__name__} does not say how much the next observation is worth')

    def expected_value(self, critic: nn.Module, features: torch.Tensor, policy: Any) -> torch.Tensor:
        """E[min Q] [B] under a policy, by the least of the critics (TD3, arXiv:1802.09477)."""
        return policy.expect(lambda action: critic(features, action).float().amin(0))

    def actor_loss(self, batch: Experience) -> torch.Tensor:
        """Minus the critic's value of the policy (DDPG, arXiv:1509.02971, eq. 6)."""
        features = batch.obs.detach()
        policy = self.creator.policy(features, self.noise)
        return -self.expected_value(self.creator.critic, features, policy).mean()


def uniform_actions(action: torch.Tensor, spec: Spec) -> torch.Tensor:
    """Draws uniformly random actions of the shape and kind of `action` [N, ...]."""
    if action.is_floating_point():
        return choose_largest(2 * torch.rand_like(action) - 1, spec.one_hots)
    return torch.randint_like(action, spec.num_actions or 0)
