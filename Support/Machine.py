"""The machine: device, precision, cores and threads."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from Support.Errors import UserError

if TYPE_CHECKING:
    import torch


def choose_algorithms(deterministic: bool = False) -> None:
    """Makes torch compute the same bits at every run or not, on a GPU too. It warns where it cannot; it may be slower.

    Process-wide: the next run of a sweep chooses again. Call it before the first work on a GPU.
    """
    import torch

    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        torch.backends.cudnn.benchmark = False
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # docs.nvidia.com/cuda/cublas, reproducibility
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call imports slow modules
        torch.use_deterministic_algorithms(deterministic, warn_only=True)


def choose_device(device: str | None = None, parallel: bool = False) -> torch.device:
    """Returns the device of this name, else cuda, else mps, else cpu. Raises UserError if it is not available."""
    import torch

    if parallel and torch.cuda.device_count() < 2:
        print('parallel=true changes nothing: fewer than two GPUs are visible')
    there = {'cuda': torch.cuda.is_available(), 'mps': torch.backends.mps.is_available(), 'cpu': True}
    if device is None:
        return torch.device(next(kind for kind, available in there.items() if available))
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UserError(f"No device '{device}': device=cpu, device=cuda or device=cuda:1.") from None
    if not there.get(chosen.type, True) or (chosen.type == 'cuda' and (chosen.index or 0) >= torch.cuda.device_count()):
        raise UserError(f"Device '{device}' is not on this machine: device=cpu, or leave it out.")
    return chosen


def choose_precision(precision: str | None, device: torch.device, images: bool) -> str:
    """Returns 'fp32' or 'bf16': for 'auto' or None, bf16 for images on hardware that computes in it.

    Small networks on states gain nothing from bf16. Raises UserError for any other precision.
    """
    if precision in ('fp32', 'bf16'):
        return precision
    if precision not in ('auto', None):
        raise UserError(f"No precision '{precision}': precision=auto, precision=fp32 or precision=bf16.")
    return 'bf16' if images and computes_in_bf16(device) else 'fp32'


def computes_in_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16; elsewhere it is emulated, and slower than fp32."""
    import torch

    if device.type == 'cpu':
        return torch.cpu._is_avx512_bf16_supported()
    return device.type == 'cuda' and torch.cuda.is_bf16_supported(including_emulation=False)


def tune_processor() -> None:
    """Changes two settings that make updates on a CPU up to twice as fast.

    Numbers below 1e-38 become zero (Adam's moments of idle units get there, and arithmetic on them is slow), and, on
    Linux, glibc keeps freed memory instead of returning it to the system after each tensor.
    """
    import ctypes

    import torch

    torch.set_flush_denormal(True)
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except OSError:
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    for option, value in ((mmap_threshold, 32 << 20), (trim_threshold, 1 << 30), (top_pad, 64 << 20)):
        # 32 MB is the most that mmap_threshold takes
        mallopt(option, value)


def usable_cores() -> int:
    """Returns the number of cores, with hyperthreads, that this process may use; a container's share is rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1  # not on macOS
    try:
        quota, period = map(int, Path('/sys/fs/cgroup/cpu.max').read_text().split())  # 'max' where there is no limit
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, math.ceil(quota / period)))


def physical_cores() -> int:
    """Returns the number of physical cores that this process may use; half of `usable_cores` where it is unknown."""
    try:
        siblings = {
            Path(f'/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list').read_text()
            for core in os.sched_getaffinity(0)
        }
    except (AttributeError, OSError):  # on Linux alone
        return max(1, usable_cores() // 2)
    return min(len(siblings), usable_cores())


def choose_threads(threads: int | None = None, images: bool = False) -> int:
    """Sets and returns torch's number of threads: the one given, else for images one per physical core, else half of
    the usable cores.

    Convolutions use all cores; small networks are slower with more threads, and so is everything beside another busy
    process, less so since threads that wait for each other sleep (`OMP_WAIT_POLICY` in Run.py). It is a rule and not a
    measurement because the number of threads changes the last bit of results.
    """
    import torch

    torch.set_num_threads(int(threads or (physical_cores() if images else max(1, usable_cores() // 2))))
    return torch.get_num_threads()
