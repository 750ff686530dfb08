"""Parts of saved agents for new agents: a backbone (Eyes), a whole encoder, a discriminator's convolutions."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from Datasets.Experience import Spec
from Hyperparams.Complete import fill_in
from Hyperparams.Instantiate import instantiate
from Hyperparams.Nested import targets
from Logging.Saving import CheckpointFile
from Support.Errors import UserError, one_line

if TYPE_CHECKING:
    from torch import nn

    from Agents.Agent import Agent

# A saved config may name nothing else: it may come from a stranger, and some functions of torch run any code.
BLOCKS = ('Agents', 'Blocks', 'torch.nn', 'torch.optim', 'Utils.load')


def part(path: Path | str, attr: str, allowed: Collection[str] = ()) -> nn.Module:
    """Returns the module `attr`, for example encoder.eyes, of the agent saved at `path`, with gradients on.

    If the agent keeps a moving average of its weights, the module has these. allowed: further modules whose classes the
    saved config may name. Raises UserError if there is no such agent or part, or its config names another class.
    """
    file = find(path)
    agent = rebuild(file, allowed)
    found: nn.Module = agent.average or agent.creator
    names = attr.split('.')
    for i, name in enumerate(names):
        children = {child.lower(): module for child, module in found.named_children()}
        if name.lower() not in children:
            where = '.'.join(names[:i]) or 'the agent'
            parts = ', '.join(children) or 'none'
            raise UserError(f"No part '{name}' in {where} saved at {file}: attr={attr}. Parts: {parts}.")
        found = children[name.lower()]
    return found.requires_grad_(True).train()


def find(path: Path | str) -> Path:
    """Returns the file of a checkpoint, given the file or its folder. Raises UserError if there is none."""
    path = Path(path).expanduser()
    file = path if path.suffix == '.safetensors' else path / 'agent.safetensors'
    if file.is_file():
        return file
    folder = Path(str(path).removesuffix('.pt'))
    example = folder if (folder / 'agent.safetensors').is_file() else 'Checkpoints/Exp/DQNAgent/classify/mnist_1'
    raise UserError(
        f'No checkpoint at {path}: give the folder of its agent.safetensors (pickles are not read), as path={example}'
    )


def rebuild(file: Path, allowed: Collection[str] = ()) -> Agent:
    """Builds the agent saved at a file by the config beside it, with its weights. Raises UserError."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    header, tensors = CheckpointFile.read(file)
    place = file.with_name('config.yaml')
    try:
        config = OmegaConf.load(place)
        saved = OmegaConf.to_container(config)
        for key, path in targets({name: saved[name] for name in ('agent', 'recipes')}):
            if not any(f'{path}.'.startswith(f'{name}.') for name in (*BLOCKS, *allowed)):
                raise UserError(
                    f'{place}: {key}={path} is no block of this program: if you trust it, add allowed=[{path}]'
                )
        config = fill_in(config)
        config.targets = list(allowed)
        blocks = {'spec': Spec.from_json(header['spec']), 'recipes': instantiate(config.recipes)}
        agent = instantiate(config.agent, **blocks, frame_stack=config.frame_stack)
        agent.load_state_dict({name[6:]: tensor for name, tensor in tensors.items() if name.startswith('agent.')})
        return agent
    except (OSError, KeyError, TypeError, RuntimeError, YAMLError, OmegaConfBaseException) as error:
        cause = one_line(error)
        raise UserError(f'The agent at {place} cannot be built ({cause}): save it anew') from error
