"""Mistakes on the command line: one sentence each."""

import pytest

from tests.Hyperparams.command_line import run


@pytest.mark.parametrize(
    ('words', 'parts'),
    [
        (['lrr=3'], ["'lrr'", 'Nearest: lr.', '--help']),
        (['agent.ema_deca=1'], ['agent.ema_decay']),
        (['replay.n_step=1'], ['replay.nstep']),
        (['task=atari/pongg'], ["No task 'atari/pongg'", 'Nearest: atari/pong.', '--help']),
        (['task=pong'], ['Nearest: atari/pong.']),
        (['task=dmc/cheetah_rum'], ['Nearest: dmc/cheetah_run.']),
        (['task=cheetah_run'], ['Nearest: dmc']),
        (['task=classify/mnits'], ['classify/mnist']),
        (['task=gym/default'], ['No task']),
        (['recipe=mnist_gam'], ['mnist_gan']),
        (['find_lr=100'], ['task=classify']),
        (['Agent=Agents.DQNAgnt'], ['Agents.DQNAgent']),
        (['Eyes=MyBlock'], ['<module>.MyBlock']),
        (['Eyes=CNNN'], ['CNNN', 'Nearest: CNN.']),
        (['Eyes=Blocks.Architectures.CNNN'], ['Nearest: CNN.']),
        (['Aug=RandomShift'], ['Nearest: RandomShifts.']),
        (['recipes.encoder.eye=CNN'], ['recipes.encoder.eyes']),
        (['Eyes=timm:resnet10t.c3_in1k'], ['timm:resnet10t,', 'pretrained=c3_in1k']),
        (['Eyes.depth=4'], ['recipes.encoder.eyes.depth', '<class>']),
        (['Dataset=MNISTT', 'task=classify/mnist'], ['Nearest: MNIST.']),
        (['replay.transform={RandomHorizontalFlp:{}}'], ['RandomHorizontalFlip']),
        (['replay.transform=RandomHorizontalFlip'], ['{RandomHorizontalFlip:{}}']),
        (['agent._target_=no_such_module.MyAgent'], ["no module 'no_such_module'"]),
        (['agent._target_=Agents.DQNAgnt'], ['Nearest: DQNAgent.']),
        (['lr=abc'], ['lr', "'abc'"]),
        (['agent.temperature=linear(1,2)'], ['agent.temperature', 'linear(start,end,steps)']),
        (['replay.beta=half'], ['replay.beta', "'half'"]),
        (['bins=0'], ['bins is at least 1']),
        (['discrete=3'], ['true or false']),
        (['suite._target_=no_such_module.MySuite'], ["no module 'no_such_module'"]),
        (['stddev_schedule=linear(1,2)'], ['stddev_schedule', 'linear(start,end,steps)']),
        (['batch_size=0'], ['at least 1']),
        (['train_steps=-1'], ['at least 0']),
        (['nstep=1.5'], ['whole number']),
        (['nstep=exponential(10,0.5,1000)'], ['nstep is a whole number, not 0.5']),
        (['nstep=linear(5,0,1000)'], ['nstep is at least 1, not 0.0']),
        (['nstep=exponential(10,3)'], ['nstep', 'exponential(start,end,steps,limit=0)']),
        (['replay.discount=linear(0.9,1.5,10)'], ['replay.discount is between 0 and 1']),
        (['discount=cycle(10,half)'], ['discount', "'half'"]),
        (['num_envs=0'], ['num_envs is at least 1']),
        (['threads=abc'], ['threads is a number']),
        (['threads=0'], ['threads is at least 1']),
        (['replay.capacity=abc'], ['replay.capacity is a number']),
        (['agent.clip_grad_norm=-1'], ['at least 0']),
        (['train_steps=null'], ['train_steps cannot be null']),
        (['train_steps=inf'], ['whole number']),
        (['lr=nan'], ['finite']),
        (['discount=1.5'], ['between 0 and 1']),
        (['evaluate_episodes=0'], ['at least 1']),
        (['evaluate_episodes=null'], ['evaluate_episodes=10']),
        (['experiment=../x'], ['root=']),
        (['generate=true', 'offline=false'], ['offline=false']),
        (['generate=true', 'replay.prioritized=true'], ['replay.prioritized=true']),
        (['RL=false'], ['task=classify/']),
        (['task=classify/digits', 'RL=false', 'supervise=false'], ['nothing to learn from']),
        (['RL=maybe'], ['true or false']),
        (['offline=yes'], ['true or false']),
        (['mini=maybe'], ['true or false']),
        (['replay=3'], ['replay.batch_size']),
        (['lr=${lrr}'], ["'lrr'"]),
        (['~lrr'], ['lrr']),
        (['task=gym/custom'], ['gym.id=']),
        (['task=classify/custom'], ['Dataset.root=']),
        (['seed=1,2'], ['-m']),
        (['replay.path="a'], ['replay.path']),
        (['train'], ['key=value']),
        (['--halp'], ['--help']),
        (['--cfg', 'jobb'], ['job']),
        (['--config-dir', 'no_such_folder'], ['no_such_folder']),
        (['-m', 'seed=1,2', 'task=atari/pong,atari/pongg'], ['Nearest: atari/pong.']),
    ],
)
def test_a_mistake_is_one_sentence(capsys, monkeypatch, tmp_path, words, parts):
    monkeypatch.chdir(tmp_path)
    status, out, err, configs = run(capsys, *words)
    assert (status, out, configs) == (2, [], [])
    assert len(err) == 1 and 'HYDRA' not in err[0] and len(err[0]) < 250
    for part in parts:
        assert part in err[0]
    assert not list(tmp_path.iterdir())


def test_a_broken_option_file_is_one_sentence(capsys, tmp_path):
    (tmp_path / 'task').mkdir()
    (tmp_path / 'task' / 'bad.yaml').write_text('# @package _global_\nsuite: {game: [1\n')
    status, _, err, _ = run(capsys, f'--config-dir={tmp_path}', 'task=bad')
    assert status == 2 and len(err) == 1
