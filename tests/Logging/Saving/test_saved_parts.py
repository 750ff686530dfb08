"""Parts of saved agents as blocks of others (Utils.load)."""

import functools

import pytest
import torch
from omegaconf import OmegaConf

import Utils
from Agents import DQNAgent
from Blocks.Architectures import CNN
from Datasets.Experience import Part, Spec
from Hyperparams.Compose import compose
from Logging.Saving import CheckpointFile
from Logging.Saving.SavedParts import rebuild
from tests.make import make

DIGITS = Spec((1, 12, 12), 'uint8', (3,), 3, kind='classify', mean=(100.0,), std=(50.0,))
PIXELS = Spec((3, 20, 20), 'uint8', (), 4)
STATE = Spec((5,), 'float32', (), 4)
PARTS = (Part('eye', (1, 12, 12), 'uint8'), Part('arm', (2,), 'float32'))
RECORD = Spec((1 * 12 * 12 + 4 * 2,), 'uint8', (2,), None, parts=PARTS)


def saved(folder, spec, *words):
    """An agent saved as Run.py does, and the folder of its checkpoint."""
    config = compose(['trunk_dim=8', 'hidden_dim=8', *words])
    config.obs_shape = list(spec.obs_shape)
    agent = Utils.instantiate(
        config.agent, spec=spec, recipes=Utils.instantiate(config.recipes), frame_stack=config.frame_stack
    )
    for parameter in (agent.average or agent.creator).parameters():
        torch.nn.init.normal_(parameter, 0, 0.1)
    CheckpointFile.save(folder / 'agent.safetensors', agent, {})
    (folder / 'config.yaml').write_text(OmegaConf.to_yaml(config))
    return agent


CLASSIFY = ['task=classify/digits', 'Aug=Null']


@pytest.mark.parametrize('words', [CLASSIFY, [*CLASSIFY, 'ema=true', 'Eyes=ViT', 'Eyes.patch_size=3', 'Agent=SAC']])
def test_eyes_of_a_classifier_in_a_new_agent(tmp_path, words):
    """They have the saved weights, of the moving average where there is one, and learn further."""
    agent = saved(tmp_path, DIGITS, *words)
    load = functools.partial(Utils.load, path=tmp_path, attr='encoder.Eyes')
    new = make(DQNAgent, DIGITS._replace(num_actions=7, action_shape=(7,)), {'encoder': {'eyes': load}}, hidden_dim=8)
    assert new.creator.encoder.eyes is not new.target.encoder.eyes
    theirs = (agent.average or agent.creator).encoder.eyes.state_dict()
    for creator in (new.creator, new.target):
        ours = creator.encoder.eyes.state_dict()
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert all(parameter.requires_grad for parameter in new.creator.encoder.parameters())


@pytest.mark.parametrize(
    ('spec', 'words', 'attr', 'shape'),
    [
        (DIGITS, ['task=classify/digits'], 'encoder', (128 * 2 * 2,)),
        (DIGITS, ['task=classify/digits'], 'actor.pi_head.layers', (3,)),
        (PIXELS, ['frame_stack=2', 'Agent=SPR'], 'encoder.eyes', (128, 3, 3)),
        (PIXELS, ['generate=true', 'recipes.critic.q_head=CNN'], 'critic.q_heads.0.layers', (128, 3, 3)),
        (STATE, ['task=gym/cartpole', 'Agent=PPO', 'agent.normalize_obs=true'], 'encoder', (5,)),
    ],
)
def test_any_part_of_any_agent(tmp_path, spec, words, attr, shape):
    saved(tmp_path, spec, *words)
    part = Utils.load(tmp_path / 'agent.safetensors', attr)
    inputs = (8,) if attr == 'actor.pi_head.layers' else rebuild(tmp_path / 'agent.safetensors').blocks.obs_shape
    assert part(torch.rand(2, *inputs)).shape == (2, *shape)


def test_an_agent_saved_before_a_key_was_new(tmp_path):
    saved(tmp_path, STATE, 'task=gym/cartpole', 'Agent=SPR')
    config = OmegaConf.load(tmp_path / 'config.yaml')
    del config.agent.huber, config.agent.conservative, config.agent.label_smoothing
    OmegaConf.save(config, tmp_path / 'config.yaml')
    assert rebuild(tmp_path / 'agent.safetensors').conservative == 0.0


def test_a_spec_survives_json(tmp_path):
    saved(tmp_path, RECORD, 'task=gym/pendulum')
    assert rebuild(tmp_path / 'agent.safetensors').spec == RECORD


@pytest.mark.parametrize(
    ('path', 'attr', 'sentence'),
    [
        ('', 'encoder.eye', "No part 'eye' in encoder .* Parts: eyes, pool"),
        ('', '', "No part '' in the agent .* Parts: encoder, actor"),
        ('.pt', 'encoder.eyes', 'pickles are not read.*path=.*/mnist_1$'),
        ('/nowhere', 'encoder.eyes', 'No checkpoint at .*path=Checkpoints/'),
    ],
)
def test_what_is_not_there_is_one_sentence(tmp_path, path, attr, sentence):
    saved(tmp_path / 'mnist_1', DIGITS, *CLASSIFY)
    with pytest.raises(Utils.UserError, match=sentence):
        Utils.load(f'{tmp_path}/mnist_1{path}', attr)


def test_a_strangers_config_builds_blocks_only(tmp_path):
    saved(tmp_path, DIGITS, *CLASSIFY)
    file = tmp_path / 'config.yaml'
    config = OmegaConf.load(file)
    config.recipes.encoder.eyes = {'_target_': 'torch.load', 'f': 'evil.pt'}
    config.targets = ['torch']
    file.write_text(OmegaConf.to_yaml(config))
    with pytest.raises(Utils.UserError, match=r'recipes.encoder.eyes._target_=torch.load is no block'):
        Utils.load(tmp_path, 'encoder.eyes')
    file.unlink()
    with pytest.raises(Utils.UserError, match='cannot be built'):
        Utils.load(tmp_path, 'encoder.eyes')


def test_ones_own_blocks_may_be_named(tmp_path, monkeypatch):
    (tmp_path / 'my_eyes.py').write_text('from Blocks.Architectures import CNN\n\nclass MyEyes(CNN):\n    pass\n')
    monkeypatch.syspath_prepend(tmp_path)
    saved(tmp_path, DIGITS, *CLASSIFY, 'Eyes=my_eyes.MyEyes')
    with pytest.raises(Utils.UserError, match=r'add allowed=\[my_eyes.MyEyes\]'):
        Utils.load(tmp_path, 'encoder.eyes')
    assert isinstance(Utils.load(tmp_path, 'encoder.eyes', allowed=['my_eyes']), CNN)
