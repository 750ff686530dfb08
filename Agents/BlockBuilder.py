"""The blocks of an agent, built for the shapes of its task."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn

from Blocks.Actors import Actor
from Blocks.Architectures import Null
from Blocks.Critics import Critic
from Blocks.Encoders import Encoder, RecordEncoder
from Blocks.PackedObservations import AugmentImages
from Blocks.Shapes import build
from Datasets.Experience import Spec

Shape = Sequence[int]


class BlockBuilder:
    """Builds augmentation, encoder, actor and critic.

    Arguments:
        spec: of the suite. frame_stack: frames in an observation.
        config: the user's blocks, partials or None: {'aug': ..., 'encoder': {'eyes': ..., 'pool': ...},
            'actor': {'trunk': ..., 'pi_head': ...}, 'critic': {'trunk': ..., 'q_head': ...}}.
        trunk_dim, hidden_dim: features of trunks, width of heads. num_critics: heads of a critic.
        parallel: DataParallel of the eyes. normalize: encoders normalize states by running moments.
    """

    def __init__(
        self,
        spec: Spec,
        config: dict[str, Any] | None,
        frame_stack: int,
        trunk_dim: int,
        hidden_dim: int,
        num_critics: int,
        parallel: bool = False,
    ) -> None:
        self.spec, self.parallel, self.normalize = spec, parallel, False
        self.config: dict[str, Any] = {'aug': None, 'encoder': {}, 'actor': {}, 'critic': {}}
        for name, blocks in (config or {}).items():
            self.config[name] = dict(blocks) if isinstance(blocks, dict) else blocks
        self.obs_shape = (spec.obs_shape[0] * frame_stack, *spec.obs_shape[1:])
        self.trunk_dim, self.hidden_dim, self.num_critics = trunk_dim, hidden_dim, num_critics

    def aug(self) -> nn.Module:
        """Augmentation of observations; none by default. Of packed observations it changes the images alone."""
        aug = self.config['aug']
        if aug and self.spec.obs_kind == 'record':
            return AugmentImages(aug, self.obs_shape, self.spec.parts)
        return build(aug or Null, self.obs_shape)

    def encoder(self) -> Encoder | RecordEncoder:
        """Observations -> features."""
        spec, kind = self.spec, self.spec.obs_kind
        make: Any = partial(RecordEncoder, parts=spec.parts) if kind == 'record' else partial(Encoder, kind=kind)
        options = {'normalize': True} if self.normalize else {}
        blocks = self.config['encoder'] or {}
        return make(self.obs_shape, **blocks, mean=spec.mean, std=spec.std, parallel=self.parallel, **options)

    def actor(self, repr_shape: Shape, output_shape: Shape) -> Actor:
        """Features -> outputs that a policy is made of."""
        blocks = self.config['actor'] or {}
        return Actor(repr_shape, output_shape, **blocks, trunk_dim=self.trunk_dim, hidden_dim=self.hidden_dim)

    def critic(
        self, repr_shape: Shape, action_shape: Shape | None, num_actions: int | None = None, **options: Any
    ) -> Critic:
        """Features and actions -> values. action_shape None: values of states. See `Blocks.Critics.Critic`."""
        return Critic(repr_shape, action_shape, num_actions, **(self.config['critic'] or {}), ensemble=self.num_critics,
                      trunk_dim=self.trunk_dim, hidden_dim=self.hidden_dim, **options)  # fmt: skip
