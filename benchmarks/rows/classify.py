"""Training of classifiers on random pixels: each update draws a new batch, whose images are shifted."""

from functools import partial

import torch
from torch.nn import functional as F

import Utils
from benchmarks.contest import Contender, Row, rate
from benchmarks.rows.learner import precision_of
from Datasets.Experience import Spec

LR = 1e-3


def spec_of(shape):
    """Of ten classes of such images."""
    return Spec(shape, 'uint8', (10,), 10, kind='classify', mean=(33.3,) * shape[0], std=(78.6,) * shape[0])


def agent_of(eyes, shape, precision):
    """This program's."""
    torch.manual_seed(0)
    words = ('task=classify/digits', 'RL=false', f'Eyes={eyes}', 'Aug=RandomShifts', 'hidden_dim=512', 'device=cpu')
    return Utils.create_agent(spec_of(shape), *words, f'lr={LR}', f'precision={precision}')


def images_of(shape, size):
    """Random pixels with labels."""
    from Datasets.Images.ImageData import Images

    count = size.of(10_000, 128)
    return Images(torch.randint(256, (count, *shape), dtype=torch.uint8), torch.arange(count) % 10)


def ours(eyes, shape, batch, precision, size):
    """Agent and data set."""
    from Datasets.Images.Dataset import Dataset

    Utils.tune_processor()
    agent = agent_of(eyes, shape, precision or precision_of(True))
    return rate(partial(agent.learn, Dataset(images_of(shape, size), batch)), batch, size)


def bare(eyes, shape, batch, precision, size):
    """Indices of a permutation, shifts, forward, backward, step."""
    Utils.tune_processor()
    agent, images = agent_of(eyes, shape, precision or precision_of(True)), images_of(shape, size)
    network, count = agent.creator.train(), len(images.label)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.0, fused=True)
    orders = iter(lambda: torch.randperm(count)[: count // batch * batch].split(batch), None)
    indices = (index for order in orders for index in order)

    def update():
        index = next(indices)
        with agent.autocast():
            obs = agent.aug(images.obs[index])
            logits = network.actor(network.encoder(obs)).float()
        F.cross_entropy(logits, images.label[index]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return rate(update, batch, size)


def plain(eyes, shape):
    """The same network for the others, its weights in memory as PyTorch makes them."""
    return agent_of(eyes, shape, 'fp32').creator.to(memory_format=torch.contiguous_format)


def loader_of(images, batch):
    """What is usual: floats in a DataLoader, without augmentation."""
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(images.obs.float(), images.label), batch, shuffle=True, drop_last=True)


def usual(eyes, shape, batch, size):
    """A plain loop over a DataLoader, in fp32."""
    network, loader = plain(eyes, shape).train(), loader_of(images_of(shape, size), batch)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.0)
    batches = (each for epoch in iter(lambda: loader, None) for each in epoch)

    def update():
        obs, label = next(batches)
        optimizer.zero_grad()
        F.cross_entropy(network.actor(network.encoder(obs)), label).backward()
        optimizer.step()

    return rate(update, batch, size)


def lightning(eyes, shape, batch, size):
    """Lightning's Trainer over a DataLoader, in fp32, as fast as it can be told to be; without its own start."""
    import time

    from lightning import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.began, self.count = plain(eyes, shape), None, 0

        def training_step(self, samples, _):
            if self.count == 1:  # the first is of what is built when first needed
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

    def measure():
        module = Module()
        trainer = Trainer(accelerator='cpu', logger=False, barebones=True, max_epochs=1000)
        trainer.fit(module, loader)
        return batch * (module.count - 1) / module.passed

    return measure


def row(equal, eyes, shape, batch, goals):
    """Ours as it comes and in fp32, beside a bare loop of the same work and what is usual."""

    def of(loop, package=None, **options):
        def build(size):
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
