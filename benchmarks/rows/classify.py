"""Training of classifiers on random pixels: each update draws a new batch and shifts its images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.contest import Contender, Measure, Row, Size, rate
from benchmarks.rows.learner import precision_of
from Datasets.Experience import Spec
from Runs.Create import create_agent
from Support.Machine import tune_processor

if TYPE_CHECKING:
    from Agents.Agent import Agent
    from Datasets.Images.ImageData import Images

Shape = tuple[int, int, int]

LR = 1e-3


def spec_of(shape: Shape) -> Spec:
    """Returns the Spec of ten classes of images of a shape."""
    return Spec(shape, 'uint8', (10,), 10, kind='classify', mean=(33.3,) * shape[0], std=(78.6,) * shape[0])


def agent_of(eyes: str, shape: Shape, precision: str) -> Agent:
    """Returns this program's agent with a backbone."""
    torch.manual_seed(0)
    words = ('task=classify/digits', 'RL=false', f'Eyes={eyes}', 'Aug=RandomShifts', 'hidden_dim=512', 'device=cpu')
    return create_agent(spec_of(shape), *words, f'lr={LR}', f'precision={precision}')


def images_of(shape: Shape, size: Size) -> Images:
    """Returns random pixels with labels."""
    from Datasets.Images.ImageData import Images

    count = size.of(10_000, 128)
    return Images(torch.randint(256, (count, *shape), dtype=torch.uint8), torch.arange(count) % 10)


def ours(eyes: str, shape: Shape, batch: int, precision: str | None, size: Size) -> Measure:
    """Measures this program's agent and data set."""
    from Datasets.Images.Dataset import Dataset

    tune_processor()
    agent = agent_of(eyes, shape, precision or precision_of(True))
    return rate(partial(agent.learn, Dataset(images_of(shape, size), batch)), batch, size)


def bare(eyes: str, shape: Shape, batch: int, precision: str | None, size: Size) -> Measure:
    """Measures a bare loop: indices of a permutation, shifts, forward, backward, optimizer step."""
    tune_processor()
    agent, images = agent_of(eyes, shape, precision or precision_of(True)), images_of(shape, size)
    network, count = agent.creator.train(), len(images.label)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.0, fused=True)
    orders = iter(lambda: torch.randperm(count)[: count // batch * batch].split(batch), None)
    indices = (index for order in orders for index in order)

    def update() -> None:
        index = next(indices)
        with agent.precision.autocast(agent.device):
            obs = agent.aug(images.obs[index])
            logits = network.actor(network.encoder(obs)).float()
        F.cross_entropy(logits, images.label[index]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return rate(update, batch, size)


def plain(eyes: str, shape: Shape) -> nn.Module:
    """Returns the same network for the others, in PyTorch's default memory format."""
    return agent_of(eyes, shape, 'fp32').creator.to(memory_format=torch.contiguous_format)


def loader_of(images: Images, batch: int) -> Any:
    """Returns the usual DataLoader over floats, without augmentation."""
    from torch.utils.data import DataLoader, TensorDataset

    assert isinstance(images.obs, torch.Tensor)
    return DataLoader(TensorDataset(images.obs.float(), images.label), batch, shuffle=True, drop_last=True)


def usual(eyes: str, shape: Shape, batch: int, size: Size) -> Measure:
    """Measures a plain loop over a DataLoader, in fp32."""
    network: Any = plain(eyes, shape).train()
    loader = loader_of(images_of(shape, size), batch)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.0)
    batches = (each for epoch in iter(lambda: loader, None) for each in epoch)

    def update() -> None:
        obs, label = next(batches)
        optimizer.zero_grad()
        F.cross_entropy(network.actor(network.encoder(obs)), label).backward()
        optimizer.step()

    return rate(update, batch, size)


def lightning(eyes: str, shape: Shape, batch: int, size: Size) -> Measure:
    """Measures Lightning's Trainer over a DataLoader, in fp32, with its fastest options and without its start."""
    import time

    from lightning import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.began, self.count = plain(eyes, shape), None, 0

        def training_step(self, samples, _):
            if self.count == 1:  # the first step builds what is built on first use
                self.began = time.perf_counter()
            self.count += 1
            obs, label = samples
            return F.cross_entropy(self.network.actor(self.network.encoder(obs)), label)

        def on_train_batch_end(self, *_):
            self.passed = time.perf_counter() - (self.began or time.perf_counter())
            self.trainer.should_stop = self.passed > size.seconds

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), LR, weight_decay=0.0)

    loader = loader_of(images_of(shape, size), batch)

    def measure() -> float:
        module = Module()
        trainer = Trainer(accelerator='cpu', logger=False, barebones=True, max_epochs=1000)
        trainer.fit(module, loader)
        return batch * (module.count - 1) / module.passed

    return measure


def row(equal: str, eyes: str, shape: Shape, batch: int, goals: dict[str, float]) -> Row:
    """Returns ours in the default precision and in fp32, beside a bare loop of the same work and usual loops."""

    def of(loop: Callable[..., Measure], package: str | None = None, **options: Any) -> Contender:
        def build(size: Size) -> Measure:
            return loop(eyes, shape, size.of(batch, 8), size=size, **options)

        return Contender(build, package)

    contenders = {
        'ours': of(ours, precision=None),
        'bare loop': of(bare, precision=None),
        'ours, fp32': of(ours, precision='fp32'),
        'bare loop, fp32': of(bare, precision='fp32'),
        'DataLoader, fp32': of(usual),
        'lightning, fp32': of(lightning, 'lightning'),
    }
    return Row(equal, 'images/s', contenders, {'bare loop': 0.95, **goals})


ROWS = {
    'small-cnn': row('A small CNN on 28x28 gray images, batches of 256 (DataLoader, lightning: not shifted)', 'CNN',
                     (1, 28, 28), 256, {'lightning, fp32': 3.0}),
    'resnet18': row('ResNet18 on 32x32 images, batches of 64 (DataLoader, lightning: not shifted)', 'ResNet18',
                    (3, 32, 32), 64, {}),
}  # fmt: skip
