"""Domains: the creator, cast and phases of control, classification and generation.

A domain has a `name` ('reinforce', 'classify', 'generate') and `build(agent) -> creator, cast, phases`.
"""

from typing import Any

from Agents.Domains.Classification import Classification
from Agents.Domains.Control import Control
from Agents.Domains.Generation import Gan, Generation
from Datasets.Experience import Spec

Domain = Control | Classification | Generation


def choose_domain(spec: Spec, generate: bool, RL: bool, supervise: bool, label_smoothing: float,
                  gan: dict[str, Any] | None, latent_dim: int) -> Domain:  # fmt: skip
    """Returns the domain of a task; the arguments are those of `Agents.Agent.Agent`."""
    if generate:
        return Generation(Gan(**(gan or {})), latent_dim)
    return Classification(RL, supervise, label_smoothing) if spec.kind == 'classify' else Control()
