"""What a saved classifier makes of created images: python benchmarks/recognise.py <agent.safetensors> <..._Samples.npy>

Prints the share of samples that it names with a confidence above 0.9, and how often it finds each class.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from omegaconf import OmegaConf

import Utils
from Agents import Checkpoint


def recognise(checkpoint, samples):
    """Checkpoint of a classifier, uint8 images [N, C, H, W] -> confidence [N] in 0..1 and class [N]."""
    args = OmegaConf.load(Path(checkpoint).with_name('config.yaml'))
    spec = Utils.instantiate(args.suite, num_envs=1, seed=args.seed, train=False).spec
    agent = Utils.instantiate(
        args.agent, spec=spec, recipes=Utils.instantiate(args.recipes), frame_stack=args.frame_stack
    )
    Checkpoint.load(checkpoint, agent)
    logits = torch.from_numpy(agent.act(samples, explore=False))
    return [result.numpy() for result in logits.softmax(-1).max(-1)]


if __name__ == '__main__':
    confidence, label = recognise(sys.argv[1], np.load(sys.argv[2], allow_pickle=False))
    print(f'{(confidence > 0.9).mean():.1%} of {len(label)} named with confidence above 0.9')
    print('classes:', ' '.join(f'{count / len(label):.1%}' for count in np.bincount(label, minlength=10)))
