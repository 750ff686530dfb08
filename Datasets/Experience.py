"""The types that flow: Spec (what a suite is), Step (what it answers) and Experience (what is learned from); `to` moves
them to a device, whose `room` says whether all of a memory fits there."""

from typing import Any, NamedTuple

import numpy as np


class Part(NamedTuple):
    """One of the things that are observed together."""

    name: str
    shape: tuple  # (C, H, W) of an image, (D,) of a state
    dtype: str  # 'uint8' of an image, 'float32' of a state


class Spec(NamedTuple):
    """What an agent must know of a suite."""

    obs_shape: tuple  # of one frame, without stack: (C, H, W), (D,), or (P,) bytes of a record
    obs_dtype: str  # 'uint8' for images in 0..255 and records, 'float32' for states
    action_shape: tuple  # (A,) if a vector, () if discrete, (K,) logits of K classes
    num_actions: int | None  # discrete actions or classes; None if an action is a vector
    low: np.ndarray | None = None  # bounds of continuous actions [A]; agents act in [-1, 1], the suite rescales
    high: np.ndarray | None = None
    kind: str = 'reinforce'  # or 'classify'
    mean: tuple | None = None  # of the pixels, per channel, in 0..255; None if unknown
    std: tuple | None = None
    parts: tuple = ()  # of a record: the Part whose bytes come first, the next ... (Blocks/PackedObservations.py)
    one_hots: tuple = ()  # sizes of the choices that follow the continuous entries of an action, each as a one-hot

    @property
    def images(self):
        """Whether pixels are seen."""
        return len(self.obs_shape) == 3 or any(len(part.shape) == 3 for part in self.parts)

    @property
    def choices(self):
        """How many actions there are to choose from, of each choice that an action consists of."""
        return self.one_hots if self.num_actions is None else (self.num_actions,)

    @property
    def continuous(self):
        """How many entries of an action are continuous; the first ones."""
        return sum(self.action_shape) - sum(self.one_hots) if self.num_actions is None else 0


class Step(NamedTuple):
    """What a suite returns, batch first over its N environments. An episode that ends restarts in the same step."""

    obs: np.ndarray  # [N, *obs_shape] to act on next: already of the new episode where one ended
    reward: np.ndarray  # [N] float32, the raw score
    terminated: np.ndarray  # [N] bool: nothing follows
    truncated: np.ndarray  # [N] bool: cut off by a limit; something would have followed
    final_obs: np.ndarray  # [N, *obs_shape] the episode's last observation where one ended, elsewhere obs
    label: np.ndarray | None = None  # [N] int64, of the observation just acted on; classification only
    life_lost: np.ndarray | None = None  # [N] bool; the game goes on


class Experience(NamedTuple):
    """One batch [B] (or rollout [N, T]) of experience. What a task does not have is None; nobody writes into it."""

    obs: Any = None  # [B, C, H, W] uint8, [B, D] float32 or records [B, P] uint8; features once perceived
    action: Any = None  # [B] int64 or [B, A] float32
    reward: Any = None  # [B] float32: the n-step return of rewards
    discount: Any = None  # [B] float32: of what follows; 0 after a terminal
    next_obs: Any = None  # [B, ...] n steps later, or the episode's last
    last: Any = None  # [B] bool: the episode ended within the n steps
    label: Any = None  # [B] int64, -1 where it is missing; of mixed images float32 [B, K], shares of the classes
    log_prob: Any = None  # [B] of the action, when it was taken
    advantage: Any = None  # [B]
    returns: Any = None  # [B]
    future: Any = None  # Future, the next K steps
    first: Any = None  # [N, T] bool: an episode begins
    carry: Any = None  # [N, ...]: what a recurrent agent remembered before the first step
    weight: Any = None  # [B] float32: what the critic's errors count, by prioritised sampling or known labels
    index: Any = None  # [B] int64: where the sample lies in its memory


class Future(NamedTuple):
    """The K steps after obs, for models that predict them."""

    obs: Any  # [B, K, C, H, W]: after 1..K steps; the episode's last is repeated
    action: Any  # [B, K]: taken at obs and the K - 1 after
    reward: Any  # [B, K]; 0 after the end
    valid: Any  # [B, K] bool: step k still lies within the episode


def to(device, batch):
    """A tensor, None, or a NamedTuple of such and of further ones, on a torch.device.

    Nobody waits for what goes to an NVIDIA GPU: it is first put where that reads by itself (pinned memory).
    """
    if isinstance(batch, tuple):
        return type(batch)(*(to(device, field) for field in batch))
    if batch is None or batch.device == device:
        return batch
    if (batch.device.type, device.type) == ('cpu', 'cuda'):
        return batch.contiguous().pin_memory().to(device, non_blocking=True)
    return batch.to(device)


def room(device):
    """Bytes of its own that a device has for what is learned from: half of a GPU's free ones; a CPU needs no copies."""
    import torch

    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == 'cuda' else 0
