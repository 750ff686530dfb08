"""torch.compile of an agent's blocks (PyTorch 2, doi:10.1145/3620665.3640366)."""

import sys
from typing import Any

import torch

from Agents.Agent import Agent
from Support.Errors import one_line


def compile_blocks(agent: Agent) -> None:
    """Compiles encoder, actor, critic and all other parts in place, on a GPU with CUDA graphs.

    State dicts stay those of the bare modules. If nothing compiles here, prints a line and leaves the blocks as they
    are.
    """
    options: dict[str, Any] = {'mode': 'reduce-overhead'} if agent.device.type == 'cuda' else {}
    try:
        torch.compile(lambda x: x + 1, **options)(torch.zeros(2, device=agent.device))
    except Exception as error:  # Dynamo, Inductor and the compilers that they call have errors of their own
        print(f'compile=true is left out, since nothing compiles here: {one_line(error)}', file=sys.stderr)
        return
    torch._dynamo.config.suppress_errors = True  # a block that does not compile warns, and runs as it is
    for creator in (agent.creator, agent.target, agent.average):
        for part in creator.children() if creator else ():
            part.compile(**options)
