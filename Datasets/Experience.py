"""The types that flow: `Spec` describes a suite, `Step` is what it returns, `Experience` is what agents learn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from Support.Kinds import KINDS, kind_of

if TYPE_CHECKING:
    import torch

EXTRAS = ('log_prob', 'carry', 'advantage', 'returns')  # fields of Experience that `Spec.extras` may name
LABEL_DTYPES = {'class': 'int64', 'target': 'float32'}  # of each kind of label


class PartFields(NamedTuple):
    """The fields of `Part`."""

    name: str
    shape: tuple[int, ...]  # (C, H, W) of an image, (D,) of a state, (T,) of tokens
    dtype: str  # 'uint8' of an image, 'float32' of a state, 'int64' of tokens
    kind: str | None = None  # 'image', 'state' or 'tokens'; None: as shape and dtype say (`Support.Kinds`)


class Part(PartFields):
    """A named array: one of several that are observed together, or one that is stored beside the action."""

    __slots__ = ()

    def __new__(cls, name: str, shape: tuple[int, ...], dtype: str, kind: str | None = None) -> Part:
        return super().__new__(cls, name, tuple(shape), dtype, kind or kind_of(shape, dtype))

    def given(self) -> tuple:
        """Returns (name, shape, dtype), and the kind where it does not follow from these."""
        return self[:3] if self.kind == kind_of(self.shape, self.dtype) else self[:]


class SpecFields(NamedTuple):
    """The fields of `Spec`."""

    obs_shape: tuple[int, ...]  # of one frame, without stack: (C, H, W), (D,), (T,), or (P,) bytes of a record
    obs_dtype: str  # 'uint8' for images in 0..255 and records, 'float32' for states, 'int64' for tokens
    action_shape: tuple[int, ...]  # (A,) if a vector, () if discrete, (K,) logits of K classes
    num_actions: int | None  # discrete actions or classes; None if an action is a vector
    low: np.ndarray | None = None  # bounds of continuous actions [A]; agents act in [-1, 1], the suite rescales
    high: np.ndarray | None = None
    kind: str = 'reinforce'  # the domain: 'reinforce' or 'classify'
    mean: tuple[float, ...] | None = None  # of the pixels, per channel, in 0..255; None if unknown
    std: tuple[float, ...] | None = None
    parts: tuple[Part, ...] = ()  # of a record, in the order of their bytes (`Blocks.PackedObservations`)
    one_hots: tuple[int, ...] = ()  # sizes of the choices that follow the continuous entries of an action, as one-hots
    obs_kind: str | None = None  # 'image', 'state', 'tokens' or 'record'; None: as parts, shape and dtype say
    label_kind: str | None = None  # 'class' (int64) or 'target' (float32); None: no label, when classifying 'class'
    label_shape: tuple[int, ...] = ()
    extras: tuple[Part, ...] = ()  # what `agent.act` computes beside the action and is stored with each step


class Spec(SpecFields):
    """The shapes, dtypes and kinds of a suite's observations, actions and labels.

    Kinds that are not given are inferred (`Support.Kinds.kind_of`). Raises ValueError for unknown kinds and extras.
    """

    __slots__ = ()

    def __new__(cls, *values: Any, **named: Any) -> Spec:
        given = super().__new__(cls, *values, **named)
        kinds = {name: getattr(given, name) or kind for name, kind in given._inferred().items()}
        if kinds['obs_kind'] not in KINDS or kinds['label_kind'] not in (None, *LABEL_DTYPES):
            raise ValueError(f'{kinds}: obs_kind is one of {KINDS}, label_kind one of {tuple(LABEL_DTYPES)} or None')
        if unknown := [part.name for part in given.extras if part.name not in EXTRAS]:
            raise ValueError(f'extras {unknown}: their names are fields of Experience, of {EXTRAS}')
        return SpecFields._replace(given, obs_kind=kinds['obs_kind'], label_kind=kinds['label_kind'])

    def _inferred(self) -> dict[str, str | None]:
        return {
            'obs_kind': 'record' if self.parts else kind_of(self.obs_shape, self.obs_dtype),
            'label_kind': 'class' if self.kind == 'classify' else None,
        }

    def _given(self) -> dict[str, Any]:
        """The fields, without kinds that follow from the others."""
        fields, inferred = self._asdict(), self._inferred()
        return {name: value for name, value in fields.items() if name not in inferred or value != inferred[name]}

    def _replace(self, **changes: Any) -> Spec:
        """Returns a Spec with these fields changed; kinds that were inferred are inferred again."""
        return type(self)(**{**self._given(), **changes})

    def to_json(self) -> dict[str, Any]:
        """Returns the fields for a file's header; newer ones only if they are set, so that older headers are equal."""
        newer = ('label_shape', 'extras')
        fields = {name: value for name, value in self._given().items() if name not in newer or value}
        parts = {name: [part.given() for part in fields[name]] for name in ('parts', 'extras') if name in fields}
        return fields | parts

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Spec:
        """Returns the Spec of what JSON made of `to_json`."""
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()}
        parts = {name: tuple(Part(each[0], tuple(each[1]), *each[2:]) for each in fields.get(name, ()))
                 for name in ('parts', 'extras')}  # fmt: skip
        return cls(**{**fields, **parts})

    def split(self, obs: np.ndarray) -> dict[str, np.ndarray]:
        """Returns observations [B, *obs_shape] by the names of their parts; {'': obs} where there are no parts."""
        if not self.parts:
            return {'': obs}
        sizes = [math.prod(part.shape) * np.dtype(part.dtype).itemsize for part in self.parts]
        pieces = np.split(obs, np.cumsum(sizes)[:-1], axis=1)  # [B, bytes] of each
        return {part.name: np.ascontiguousarray(piece).view(part.dtype).reshape(len(obs), *part.shape)
                for part, piece in zip(self.parts, pieces, strict=True)}  # fmt: skip

    @property
    def images(self) -> bool:
        """Whether pixels are observed, alone or as part of a record."""
        return 'image' in (self.obs_kind, *(part.kind for part in self.parts))

    @property
    def choices(self) -> tuple[int, ...]:
        """The number of options of each choice that an action consists of."""
        return self.one_hots if self.num_actions is None else (self.num_actions,)

    @property
    def continuous(self) -> int:
        """The number of continuous entries of an action; they come first."""
        return sum(self.action_shape) - sum(self.one_hots) if self.num_actions is None else 0


class Step(NamedTuple):
    """What a suite returns, batch first over its N environments. An episode that ends restarts in the same step."""

    obs: np.ndarray  # [N, *obs_shape] to act on next: already of the new episode where one ended
    reward: np.ndarray  # [N] float32, the raw score
    terminated: np.ndarray  # [N] bool: nothing follows
    truncated: np.ndarray  # [N] bool: cut off by a limit; something would have followed
    final_obs: np.ndarray  # [N, *obs_shape] the episode's last observation where one ended, elsewhere obs
    label: np.ndarray | None = None  # [N, *label_shape] of the observation just acted on; classification only
    life_lost: np.ndarray | None = None  # [N] bool; the game goes on


class Experience(NamedTuple):
    """One batch [B] (or rollout [N, T]) of experience. Nobody writes into it.

    Fields that a task does not have are None, the others tensors, in the suite's dtypes until the agent encodes them.
    """

    obs: Any = None  # [B, C, H, W] uint8, [B, D] float32, [B, T] int64 or records [B, P] uint8; features once encoded
    action: Any = None  # [B] int64 or [B, A] float32
    reward: Any = None  # [B] float32: the n-step return of rewards
    discount: Any = None  # [B] float32: of the value that follows; 0 after a terminal
    next_obs: Any = None  # [B, ...] n steps later, or the episode's last
    last: Any = None  # [B] bool: the episode ended within the n steps
    label: Any = None  # classes [B] int64, -1 where missing; shares of classes [B, K] float32 (mixed); targets float32
    log_prob: Any = None  # [B] of the action, when it was taken
    advantage: Any = None  # [B]
    returns: Any = None  # [B]
    future: Any = None  # Future: the next K steps
    first: Any = None  # [N, T] bool: an episode begins
    carry: Any = None  # [N, ...]: the hidden state of a recurrent agent before the first step
    weight: Any = None  # [B] float32: of the sample in the losses, by prioritized sampling or known labels
    index: Any = None  # [B] int64: the sample's position in its replay


class Future(NamedTuple):
    """The K steps after obs, for models that predict them."""

    obs: Any  # [B, K, C, H, W]: after 1..K steps; the episode's last is repeated
    action: Any  # [B, K]: taken at obs and the K - 1 after
    reward: Any  # [B, K]; 0 after the end
    valid: Any  # [B, K] bool: step k still lies within the episode


def to(device: torch.device, batch: Any) -> Any:
    """Moves a tensor to a device; a NamedTuple of tensors, None and further NamedTuples field by field.

    Copies to CUDA go through pinned memory, asynchronously.
    """
    if isinstance(batch, tuple):
        return type(batch)(*(to(device, field) for field in batch))
    if batch is None or batch.device == device:
        return batch
    if (batch.device.type, device.type) == ('cpu', 'cuda'):
        return batch.contiguous().pin_memory().to(device, non_blocking=True)
    return batch.to(device)


def room(device: torch.device) -> int:
    """Returns the bytes that a copy of a replay may take on a device: half of a GPU's free memory, 0 on a CPU."""
    import torch

    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == 'cuda' else 0
