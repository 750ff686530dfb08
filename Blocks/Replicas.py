"""Copies of a module on several GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn


class Replicas(nn.DataParallel):
    """`DataParallel` whose threads autocast to the dtype of the caller's; those of torch's own fall back to fp16."""

    def parallel_apply(self, replicas: Sequence[nn.Module], inputs: Sequence[Any], kwargs: Any) -> list[Any]:
        dtype = torch.get_autocast_dtype('cuda')

        def apply(replica: nn.Module, *args: Any, **options: Any) -> Any:
            torch.set_autocast_dtype('cuda', dtype)  # of this thread
            return replica(*args, **options)

        return super().parallel_apply([partial(apply, replica) for replica in replicas], inputs, kwargs)  # type: ignore[misc]
