"""An agent and the state of its run as one file: tensors in safetensors, everything else as JSON in its header.

A file is replaced whole or not at all.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from Agents.Accumulator import in_layout_of
from Support.Errors import UserError, one_line
from Support.Files import atomic_write

if TYPE_CHECKING:
    from Agents.Agent import Agent

VERSION = 3  # 2 held only two counters of the run; 1 had no checksum of the header and no name of the optimizer
ARRAY = '__array__'  # in the JSON, stands for an array, which is one of the tensors


def save(path: Path | str, agent: Agent, run: dict[str, Any] | None = None) -> None:
    """Writes the agent, its optimizer and the state of its run.

    run: nested dicts and lists of arrays, tensors, numbers, text and None. Raises UserError if the disk is full.
    """
    from safetensors.torch import save as serialize  # `save_file` would leave half a file when it is killed

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors_of(agent).items()}
    run = pack({} if run is None else run, tensors)
    header = {
        'version': VERSION,
        'kinds': kinds(agent),
        'step': agent.step,
        'updates': agent.updates,
        'run': run,
        'spec': agent.spec.to_json(),
        'checksum': checksum(tensors),
    }
    text = json.dumps(header, default=lambda array: array.tolist())
    atomic_write(path, serialize(tensors, {'run': text, 'checksum': str(zlib.crc32(text.encode()))}))


def load(path: Path | str, agent: Agent) -> dict[str, Any]:
    """Restores an agent from `path` and returns the state of its run.

    Raises UserError, and leaves the agent as it is, if the file is missing, damaged, from a newer version, or of an
    agent with another class, optimizer or network.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'No saved agent at {path}: leave out load=true or checkpoint=, or save one first')
    header, tensors = read(path)
    modules = {name.removeprefix('agent.'): tensor for name, tensor in tensors.items() if name.startswith('agent.')}
    ours = kinds(agent) | {name: (tensor.shape, tensor.dtype) for name, tensor in agent.state_dict().items()}
    theirs = kinds(agent) | header['kinds'] | {name: (tensor.shape, tensor.dtype) for name, tensor in modules.items()}
    different = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
    if different:
        raise UserError(
            f'The agent at {path} is not that of this run ({different[0]} differs): '
            'give the same Agent=, task=, recipes and agent.* as when it was saved'
        )
    agent.load_state_dict(modules)
    restore_optimizer(agent, tensors)
    agent.step, agent.updates = header['step'], header['updates']
    return unpack(header.get('run', {}), tensors)


def read(path: Path | str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Returns the header and the tensors of a file. Raises UserError if it is damaged, or from a newer version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            if 'run' not in metadata:
                raise ValueError('another program wrote it')
            header = json.loads(metadata['run'])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        if header['version'] > VERSION:
            raise ValueError(f'it was saved by a newer version ({header["version"]}) of this program')
        if header['version'] == 1:
            header['kinds'] = {'agent': header['agent']}
        elif metadata['checksum'] != str(zlib.crc32(metadata['run'].encode())):
            raise ValueError('the checksum of its header is wrong')
        if header['checksum'] != checksum(tensors):
            raise ValueError('its checksum is wrong')
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f'The agent at {path} cannot be read ({one_line(error)}): move it away') from error
    return header, tensors


def kinds(agent: Agent) -> dict[str, str]:
    """Returns the names of the classes of the agent and of its optimizer."""
    return {'agent': type(agent).__name__, 'optimizer': type(agent.optimization.optimizer).__name__}


def tensors_of(agent: Agent) -> dict[str, torch.Tensor]:
    """Returns every tensor of the agent and its optimizer, by name."""
    tensors = {f'agent.{name}': tensor for name, tensor in agent.state_dict().items()}
    for index, slots in agent.optimization.optimizer.state_dict()['state'].items():
        tensors |= {f'optimizer.{index}.{slot}': torch.as_tensor(value) for slot, value in slots.items()}
    return tensors


def restore_optimizer(agent: Agent, tensors: dict[str, torch.Tensor]) -> None:
    """Restores the optimizer's moments; its learning rate and other settings stay those of this run."""
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition('.')
        if kind == 'optimizer':
            index, slot = rest.split('.')
            slots.setdefault(int(index), {})[slot] = tensor
    optimizer = agent.optimization.optimizer
    optimizer.load_state_dict({'state': slots, 'param_groups': optimizer.state_dict()['param_groups']})
    for parameter, moments in optimizer.state.items():
        alike = {slot: value for slot, value in moments.items() if slot != 'step' and value.shape == parameter.shape}
        moments.update({slot: in_layout_of(parameter, value) for slot, value in alike.items()})


def pack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Returns a tree for JSON; moves its arrays and tensors into `tensors`, as bytes."""
    if isinstance(tree, dict):
        return {str(name): pack(branch, tensors) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [pack(branch, tensors) for branch in tree]
    if isinstance(tree, torch.Tensor):  # also of types that NumPy does not know
        data = tree.detach().cpu().contiguous().clone().reshape(-1).view(torch.uint8)  # never shared
        kind = str(tree.dtype)
    elif isinstance(tree, np.ndarray):
        data = torch.from_numpy(np.ascontiguousarray(tree).reshape(-1).view(np.uint8).copy())
        kind = tree.dtype.str
    else:
        return tree.item() if isinstance(tree, np.generic) else tree
    name = f'run.{len(tensors)}'
    tensors[name] = data
    return {ARRAY: name, 'dtype': kind, 'shape': list(tree.shape)}


def unpack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Undoes `pack`, but for tuples, which have become lists."""
    if isinstance(tree, list):
        return [unpack(branch, tensors) for branch in tree]
    if not isinstance(tree, dict):
        return tree
    if ARRAY not in tree:
        return {name: unpack(branch, tensors) for name, branch in tree.items()}
    data, kind = tensors[tree[ARRAY]], tree['dtype']
    if kind.startswith('torch.'):
        return data.view(getattr(torch, kind.removeprefix('torch.'))).reshape(tree['shape'])
    return data.numpy().view(np.dtype(kind)).reshape(tree['shape'])


def checksum(tensors: dict[str, torch.Tensor]) -> int:
    """Returns the CRC-32 of names and bytes, in the order of the names."""
    value = 0
    for name in sorted(tensors):
        tensor = tensors[name].contiguous().reshape(-1).view(torch.uint8)
        value = zlib.crc32(tensor.numpy().data, zlib.crc32(name.encode(), value))
    return value
