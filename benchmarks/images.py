"""Training a small CNN on 28x28 images against loops without this program: python benchmarks/images.py [seconds]

Batches of 256, one update each, one thread, random pixels. The bare loop has the same network, precision and preloaded
bytes; the usual one a DataLoader and fp32. Interleaved repeats, medians (min - max) of images per second.
"""

import statistics
import sys
import time

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import Utils
from Agents import DQNAgent
from Blocks.Augmentations import RandomShifts
from Blocks.Creator import predict
from Datasets.Dataset import Dataset
from Datasets.Experience import Spec
from Datasets.Images import Images

BATCH, ITEMS, REPEATS, LR = 256, 10_000, 5, 1e-3
SPEC = Spec((1, 28, 28), 'uint8', (10,), 10, kind='classify', mean=(33.3,), std=(78.6,))


def build(precision='fp32'):
    torch.manual_seed(0)
    return DQNAgent(SPEC, {'aug': RandomShifts}, RL=False, lr=LR, precision=precision)


def ours(images, precision):
    """This program's agent and memory."""
    agent, memory = build(precision), Dataset(images, BATCH)
    return lambda: agent.learn(memory)


def bare(images, precision):
    """The same network and augmentation in a loop of its own: indices of a permutation, forward, backward, step."""
    network = build().creator.train()
    optimizer, augment = torch.optim.AdamW(network.parameters(), LR, fused=True), RandomShifts()
    order = iter(torch.randperm(ITEMS)[: ITEMS // BATCH * BATCH].split(BATCH) * 10_000)

    def update():
        index = next(order)
        obs, label = augment(images.obs[index]), images.label[index]
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bf16'):
            logits = network.actor(network.encoder(obs)).float()
        F.cross_entropy(logits, label).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return update


def usual(images, precision):
    """A DataLoader of float tensors, without augmentation, in fp32."""
    network = build().creator.train()
    optimizer = torch.optim.AdamW(network.parameters(), LR)

    def batches():
        while True:
            yield from DataLoader(TensorDataset(images.obs.float(), images.label), BATCH, shuffle=True, drop_last=True)

    stream = batches()

    def update():
        obs, label = next(stream)
        optimizer.zero_grad()
        F.cross_entropy(predict(network, network.encoder(obs), 0.0).mean, label).backward()
        optimizer.step()

    return update


def speed(update, seconds):
    """Images per second."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        update()
        count += 1
    return BATCH * count / (time.perf_counter() - began)


def main(seconds=3.0):
    torch.set_num_threads(1)
    Utils.tune_processor()
    precision = Utils.choose_precision(None, torch.device('cpu'), images=True)
    images = Images(torch.randint(256, (ITEMS, *SPEC.obs_shape), dtype=torch.uint8), torch.arange(ITEMS) % 10)
    loops = {f'ours, {precision}': ours, f'bare loop, {precision}': bare, 'DataLoader, fp32': usual}
    updates = {name: loop(images, precision) for name, loop in loops.items()}
    speeds = {name: [] for name in loops}
    for update in updates.values():
        update()  # what is built when first needed
    for _ in range(REPEATS):
        for name, update in updates.items():
            speeds[name].append(speed(update, seconds))
    first = statistics.median(speeds[f'ours, {precision}'])
    for name, found in speeds.items():
        median = statistics.median(found)
        print(f'{name:20} {median:9,.0f} images/s ({min(found):,.0f} - {max(found):,.0f}), ours {first / median:.2f}x')


if __name__ == '__main__':
    main(*map(float, sys.argv[1:]))
