"""torch.compile of an agent's blocks (PyTorch 2, doi:10.1145/3620665.3640366)."""

import sys

import torch

from Support.Errors import one_line


def compile_blocks(agent):
    """Compiles encoder, actor, critic and all other parts, in place: what is saved stays the bare modules' state.

    With CUDA graphs on a GPU. Where nothing compiles, a word says so and the blocks run as they are.
    """
    options = {'mode': 'reduce-overhead'} if agent.device.type == 'cuda' else {}
    try:
        torch.compile(lambda x: x + 1, **options)(torch.zeros(2, device=agent.device))
    except Exception as error:  # of Dynamo, of Inductor, or of whatever compiler they call
        print(f'compile=true is left out, since nothing compiles here: {one_line(error)}', file=sys.stderr)
        return
    torch._dynamo.config.suppress_errors = True  # a block that does not compile warns, and runs as it is
    for creator in (agent.creator, agent.target, agent.average):
        for part in creator.children() if creator else ():
            part.compile(**options)
