"""An agent as one file: tensors in safetensors, counters as JSON in its header, replaced whole or not at all."""

import json
import zlib
from pathlib import Path

import torch

import Utils

VERSION = 2  # 1 had no checksum of its header and did not name the optimiser


def save(path, agent, counters):
    """Writes the agent, its optimiser and `counters` (of plain numbers). Raises UserError if the disk is full."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state(agent).items()}
    header = {
        'version': VERSION,
        'kinds': kinds(agent),
        'step': agent.step,
        'updates': agent.updates,
        'counters': counters,
        'spec': agent.spec._asdict(),
        'checksum': checksum(tensors),
    }
    run = json.dumps(header, default=lambda array: array.tolist())
    with Utils.atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={'run': run, 'checksum': str(zlib.crc32(run.encode()))})
        except Exception as error:  # safetensors wraps a full disk in an error of its own
            raise OSError(0, Utils.one_line(error)) from error


def load(path, agent):
    """Restores an agent from `path`, all of it or nothing -> counters.

    Raises UserError if the file is missing, damaged, from a newer version, or of an agent, optimiser or blocks other
    than this one's.
    """
    path = Path(path)
    if not path.is_file():
        raise Utils.UserError(f'No saved agent at {path}: leave out load=true, or save one first')
    header, tensors = read(path)
    modules = {name.removeprefix('agent.'): tensor for name, tensor in tensors.items() if name.startswith('agent.')}
    ours = kinds(agent) | {name: tensor.shape for name, tensor in agent.state_dict().items()}
    theirs = kinds(agent) | header['kinds'] | {name: tensor.shape for name, tensor in modules.items()}
    different = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
    if different:
        raise Utils.UserError(
            f'The agent at {path} is not that of this run ({different[0]} differs): '
            'give the same Agent=, task=, recipes and agent.* as when it was saved'
        )
    agent.load_state_dict(modules)
    restore_optimizer(agent, tensors)
    agent.step, agent.updates = header['step'], header['updates']
    return header['counters']


def read(path):
    """Header and tensors of a file, checked. Raises UserError if it is damaged, or from a newer version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            if 'run' not in metadata:
                raise ValueError('another program wrote it')
            header = json.loads(metadata['run'])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        if header['version'] > VERSION:
            raise ValueError(f'it was saved by a newer version ({header["version"]}) of this program')
        if header['version'] == 1:
            header['kinds'] = {'agent': header['agent']}
        elif metadata['checksum'] != str(zlib.crc32(metadata['run'].encode())):
            raise ValueError('the checksum of its header is wrong')
        if header['checksum'] != checksum(tensors):
            raise ValueError('its checksum is wrong')
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise Utils.UserError(f'The agent at {path} cannot be read ({Utils.one_line(error)}): move it away') from error
    return header, tensors


def kinds(agent):
    """What made the tensors: the classes of the agent and of its optimiser."""
    return {'agent': type(agent).__name__, 'optimizer': type(agent.optimizer).__name__}


def state(agent):
    """Every tensor of the agent and its optimiser, by name."""
    tensors = {f'agent.{name}': tensor for name, tensor in agent.state_dict().items()}
    for index, slots in agent.optimizer.state_dict()['state'].items():
        tensors |= {f'optimizer.{index}.{slot}': torch.as_tensor(value) for slot, value in slots.items()}
    return tensors


def restore_optimizer(agent, tensors):
    """The optimiser's moments; its learning rate and other settings are those of this run."""
    slots = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition('.')
        if kind == 'optimizer':
            index, slot = rest.split('.')
            slots.setdefault(int(index), {})[slot] = tensor
    agent.optimizer.load_state_dict({'state': slots, 'param_groups': agent.optimizer.state_dict()['param_groups']})


def checksum(tensors):
    """CRC-32 over names and bytes, in the order of the names."""
    value = 0
    for name in sorted(tensors):
        tensor = tensors[name].contiguous().reshape(-1).view(torch.uint8)
        value = zlib.crc32(tensor.numpy(), zlib.crc32(name.encode(), value))
    return value
