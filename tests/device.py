"""A device for tests: torch's `meta` device, with values.

There as on a GPU, NumPy cannot have a tensor, and an operation with a tensor of the CPU fails. On torch's own, tensors
have no values, so that little of a program runs; here each one keeps them in a tensor of the CPU.
"""

import warnings
from contextlib import ExitStack
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

META, CPU = torch.device('meta'), torch.device('cpu')
ATEN = torch.ops.aten
MIXED = {  # these take tensors of several devices: copies, and on CUDA indices that lie on the CPU
    ATEN._to_copy.default, ATEN.copy_.default, ATEN.index.Tensor, ATEN.index_put.default, ATEN.index_put_.default,
    ATEN._index_put_impl_.default,
}  # fmt: skip


class OnDevice(torch.Tensor):
    """A tensor of the device, with its values on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, values):
        return torch.Tensor._make_wrapper_subclass(
            cls, values.shape, values.stride(), values.storage_offset(), dtype=values.dtype, device=META
        )

    def __init__(self, values):
        self.values = values

    def __repr__(self):
        return f'OnDevice({self.values})'

    def __array__(self, *options, **named):
        raise TypeError("can't convert meta device type tensor to numpy. Use Tensor.cpu() first")

    numpy = __array__

    def tolist(self):
        return self.values.tolist()

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        return apply(operator, args, kwargs or {})


def apply(operator, args, kwargs):
    """Returns what an operator gives, on the device of its tensors, or on the one that it was asked for."""
    given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    own = {id(each.values): each for each in given if isinstance(each, OnDevice)}
    there = bool(own)
    if kwargs.get('device') is not None:
        there, kwargs = torch.device(kwargs['device']) == META, kwargs | {'device': CPU}
    if own and operator not in MIXED and any(each.dim() for each in given if not isinstance(each, OnDevice)):
        raise RuntimeError(f'Expected all tensors to be on the same device: {operator}')
    plain_args, plain_kwargs = tree_map_only(OnDevice, lambda each: each.values, (args, kwargs))
    result = operator(*plain_args, **plain_kwargs)
    if operator is ATEN.copy_.default:
        return args[0]
    if not there:
        return result
    # in place, it is the same tensor again
    return tree_map_only(torch.Tensor, lambda each: own[id(each)] if id(each) in own else OnDevice(each), result)


class Device(TorchDispatchMode):
    """Within the context, torch.device('meta') computes, in fp32."""

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        return apply(operator, args, kwargs or {})

    def __enter__(self):
        self.patches = ExitStack()
        self.patches.enter_context(warnings.catch_warnings())
        warnings.filterwarnings('ignore', '.*copying from a non-meta parameter')  # which here is no "no-op"
        tensor = torch.tensor  # alone, it makes its tensor without an operator

        def there(values, device=None, **options):
            made = tensor(values, **options)
            return made if device is None else made.to(device)

        self.patches.enter_context(patch.object(torch, 'tensor', there))
        fused = 'torch.optim.optimizer._get_fused_kernels_supported_devices'
        self.patches.enter_context(patch(fused, lambda: ['meta', 'cpu']))
        for name in ('autocast', 'is_autocast_enabled', 'get_autocast_dtype'):  # which do not know the device
            known = getattr(torch, name)
            as_cpu = lambda kind, *args, _known=known, **options: _known(kind.replace('meta', 'cpu'), *args, **options)  # noqa: E731
            self.patches.enter_context(patch.object(torch, name, as_cpu))
        return super().__enter__()

    def __exit__(self, *failure):
        self.patches.close()
        return super().__exit__(*failure)
