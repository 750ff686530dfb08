"""Utils and other public paths: what scripts, command lines and saved configs may name stays."""

import ast
import subprocess
import sys
from types import ModuleType

import pytest

import Utils
from Support.Classes import resolve

NAMES = """FORMS PROJECT Interrupts Schedule UserError allowed argument_names atomic atomic_write choose_algorithms
    choose_device choose_precision choose_threads computes_in_bf16 copy_file extremes hint instantiate is_running
    keep_earlier load nearest one_line parse_schedule physical_cores random_state resolve restore_random_state
    save_array scalars schedule seed_everything separate_random_state tune_processor usable_cores wait_for"""

PATHS = {  # what option files, command lines, saved configs and users' own agents name
    'Agents': """A2CAgent BCAgent DQNAgent DrQV2Agent IQLAgent PPOAgent RainbowAgent RandomAgent SACAgent SPRAgent
        TD3Agent TD3BCAgent A2C.A2C BC.BC DQN.DQN DrQV2.DrQV2 IQL.IQL PPO.PPO Random.Random SAC.SAC SPR.SPR TD3.TD3
        TD3BC.TD3BC Agent.Agent Agent.Phase Casts Casts.observe Optimizers.Muon""",
    'Blocks': """Actors.Actor Actors.Proposals Creator.Creator Creator.Heads Creator.Normal Creator.choose Creator.weigh
        Creator.pick Creator.steer Creator.propose Creator.squash Creator.scored Critics.Critic Dynamics.Dynamics
        Dynamics.Renormalize Encoders.Encoder Encoders.RecordEncoder Memories.Forgetful Memories.LSTM Shapes.Flat
        Shapes.build""",
    'Blocks.Augmentations': 'RandomShifts Intensity RandomShiftsIntensity DiffAugment',
    'Blocks.Architectures': """CNN DCGAN LSTM MLP Airbench AttentionPool AvgPool CLSPool CoAtNet ConvMixer ConvNeXt
        Discriminator DrQ Dueling Efficient Generator Impala MultiHeadAttention Nature Noisy Null Perceiver
        PreActResNet18 Relation ResNet ResNet18 ResNet34 ResNet50 ResidualDiscriminator ResidualGenerator Transformer
        Trunk ViT WideResNet Torchvision.resnet18""",
    'Datasets.Suites': """Atari.Atari DMC.DMC Gym.Gym Classify.Classify Classify.Digits
        Examples.Reach fit""",
    'Datasets': 'Experience.Experience Experience.Spec Replay.Replay',
}


def test_import_is_light():
    code = 'import sys, Utils; assert not {"torch", "numpy", "hydra", "omegaconf", "yaml"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], cwd=Utils.PROJECT, check=True)


def test_names_that_utils_hands_on():
    assert set(NAMES.split()) <= set(Utils.__all__)
    assert all(hasattr(Utils, name) for name in Utils.__all__)


@pytest.mark.parametrize('path', [f'{package}.{name}' for package, names in PATHS.items() for name in names.split()])
def test_public_paths(path):
    found = resolve(path)
    assert isinstance(found, ModuleType) == (path == 'Agents.Casts')


def test_nobody_in_the_tree_imports_utils():
    for file in Utils.PROJECT.glob('[A-Z]*/**/*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            assert 'Utils' not in [name.split('.')[0] for name in names], file
