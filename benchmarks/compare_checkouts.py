"""Short runs of two checkouts, compared bit for bit: python benchmarks/compare_checkouts.py <checkout A> <checkout B>

Does the same runs, each one or more `python Run.py ...`, in both checkouts. Compares tables (all columns but time and
fps), saved agents (tensors and header), replays, samples and pictures; not videos, records and configs. Keeps results
in --work by the code of the checkout (commit and uncommitted changes) and by command, so nothing is run twice. If both
checkouts hold the same code, B is run all the same. The exit status is 0 if everything is equal, else 1.
"""

import argparse
import csv
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open

RENAMES = {}  # of tensors and header keys: regular expression in A -> in B, e.g. {r'^agent\.creator\.': 'agent.'}
COMPARED = ('.csv', '.safetensors', '.npy', '.npz', '.png', '.gif')  # and the header.json of a replay
DATE = re.compile(r'\d{4}(-\d\d){5}-\d{6}')
FLOATS = ('F32', '<f4', 'torch.float32')

# Words of the runs. ROOT is a folder of their own, and path* the last that begins so.
QUIET = """device=cpu threads=1 tensorboard=false video=false plotting.plot_experiments=false root=ROOT data=ROOT/Data
    agent.log=true hidden_dim=16 trunk_dim=16"""
STATES = f"""{QUIET} train_steps=160 seed_steps=20 explore_steps=10 log_per_steps=13 evaluate_per_steps=80
    evaluate_episodes=2 batch_size=8"""
FRAMES = f"""{QUIET} train_steps=60 seed_steps=20 explore_steps=10 log_per_steps=13 evaluate_per_steps=30
    evaluate_episodes=1 batch_size=2 suite.max_frames=100"""
IMAGES = f'{QUIET} mini=true train_steps=12 evaluate_per_steps=6 log_per_steps=2 batch_size=16'
CARTPOLE, PENDULUM, REACH = (f'{STATES} task=gym/{task}' for task in ('cartpole', 'pendulum', 'reach'))
SWINGUP = f'{STATES} task=dmc_state/cartpole_swingup suite.max_frames=60'
PONG, BREAKOUT = (f'{FRAMES} task=atari/{game}' for game in ('pong', 'breakout'))
DIGITS = f'{IMAGES} task=classify/digits'
PAINTED = f'{DIGITS} generate=true train_steps=6 evaluate_per_steps=3 samples=20 batch_size=8'
# FakeData draws from torch's generator in its threads: of several threads no two runs are equal
COLOURS = f'{IMAGES} task=classify/fakedata Dataset.size=64 suite.workers=1 batch_size=4 train_steps=3'
SWEEP, ROLLOUT = '-m hydra.sweep.dir=ROOT/multirun', 'num_envs=2 learn_per_steps=16'  # a sweep imports torch but once
AGENT = 'ROOT/Checkpoints/Exp/DQNAgent/classify/digits_1'
REPLAY = 'ROOT/Datasets/ReplayBuffer/Exp/DQNAgent/gym'
KEEP = f'{CARTPOLE} save_per_steps=40 keep_checkpoints=1 keep_best=true'
COLLECT = f'{CARTPOLE} learn_per_steps=0 replay.save=true load_per_steps=50 agent.epsilon=0.1'
LEARN = f'{CARTPOLE} offline=true save_per_steps=20'
SWEPT = {  # task -> its words and agents
    'cartpole': (CARTPOLE, 'DQN,Rainbow,SPR,DrQV2,TD3,SAC,Random'),
    'cartpole on policy': (f'{CARTPOLE} {ROLLOUT}', 'A2C,PPO'),
    'pendulum': (PENDULUM, 'DQN,Rainbow,SPR,DrQV2,TD3,SAC,Random'),
    'pendulum on policy': (f'{PENDULUM} {ROLLOUT}', 'A2C,PPO'),
    'swingup': (SWINGUP, 'DrQV2,TD3,SAC'),
    'swingup on policy': (f'{SWINGUP} {ROLLOUT}', 'PPO'),
    'pong': (PONG, 'DQN,DrQV2'),
    'breakout': (BREAKOUT, 'Rainbow,SPR'),
    'breakout on policy': (f'{BREAKOUT} {ROLLOUT}', 'A2C,PPO'),
    'online': (f'{PENDULUM} offline=false', 'IQL,TD3BC'),
    'recurrent': (f'{PENDULUM} {ROLLOUT} ++agent.memory=LSTM ++agent.normalize_obs=true', 'A2C,PPO'),
}
MODES = {'labels': f'{DIGITS} RL=false', 'labels and reward': DIGITS, 'reward': f'{DIGITS} supervise=false',
         'generate': PAINTED}  # fmt: skip
SINGLE = {
    'discrete torques': f'{PENDULUM} discrete=true bins=5 agent.dueling=true',
    'prioritized n-step': f'{CARTPOLE} replay.prioritized=true nstep=3 replay.capacity=70 ema=true num_envs=2',
    'schedules': f'{CARTPOLE} Agent=SPR agent.reset_period=50 nstep=cycle(50,exponential(10,3,90)) learn_steps_after=3',
    'boltzmann': f'{CARTPOLE} agent.temperature=linear(1,0.1,50%) frame_stack=3 action_repeat=2 agent.atoms=11',
    'frame stack': f'{PENDULUM} Agent=TD3 frame_stack=2 weight_decay=0.1 agent.clip_grad_norm=1',
    'accumulate': f'{PENDULUM} Agent=SAC num_envs=2 agent.accumulate=3 agent.target_entropy=-0.5',
    'recurrent choices': f'{CARTPOLE} Agent=PPO {ROLLOUT} agent.memory=LSTM agent.normalize_reward=true',
    'reach SAC': f'{REACH} Agent=SAC',
    'reach PPO': f'{REACH} Agent=PPO {ROLLOUT} agent.normalize_obs=true agent.clip_value=0.2 agent.target_kl=0.01',
    'reach discrete': f'{REACH} discrete=true bins=2',
    'mountain car, plots': f'{STATES} task=gym/mountaincar_continuous Agent=SAC plotting.plot_experiments=null',
    'blackjack': f'{STATES} task=gym/custom gym.id=Blackjack-v1 num_envs=3',
    'swingup processes': f'{SWINGUP} Agent=SAC num_envs=2 suite.processes=1 overlap=false',
    'swingup pixels': f'{FRAMES} task=dmc/cartpole_swingup Agent=DrQV2 suite.max_frames=30 train_steps=30',
    'pong bf16': f'{PONG} Agent=PPO {ROLLOUT} precision=bf16',
    'pong fp32': f'{PONG} precision=fp32 overlap=false num_envs=2 replay.prioritized=true ema=true',
    'pong bbf': f'{PONG} recipe=bbf agent.reset_period=10 train_steps=40 recipes.critic.trunk.hidden_dim=16',
    'digits fp32': f'{DIGITS} precision=fp32 RL=false tta=[mirror,shift]',
    'digits mix': f'''{DIGITS} precision=bf16 agent.label_smoothing=0.1 "replay.mix={{MixUp:{{}},CutMix:{{}}}}"''',
    'digits Muon': f"""{DIGITS} agent.optimizer._target_=Agents.Optimizers.Muon weight_decay=0.01 agent.clip_grad_norm=1
        agent.rates.encoder=linear(0,1,50%) lr=one_cycle(1e-2,100%) ema=true agent.accumulate=2""",
    'digits transforms': f"""{DIGITS} RL=false Aug=Null suite.stream=true
        'replay.transform={{AlternatingFlip:{{}},RandomCrop:{{size:8,padding:1}},RandomRotation:{{degrees:10}}}}'""",
    'digits few': f'{DIGITS} Dataset.subset=[3,8,1] Dataset.per_class=50 Dataset.labelled=0.2 replay.balanced=true',
    'digits online': f'{DIGITS} Agent=PPO offline=false num_envs=4 learn_per_steps=16 train_steps=64',
    'digits rate': f'{DIGITS} RL=false find_lr=20',
    'colours fast': f'{COLOURS} recipe=cifar10_fast Eyes.channels=[8,8,8]',
    'colours ResNet': f'{COLOURS} recipe=cifar10_resnet18 Eyes.channels=4',
    'colours ConvMixer': f'{COLOURS} recipe=cifar10_convmixer Eyes.depth=2 Eyes.out_channels=16',
    'colours ViT': f'{COLOURS} recipe=cifar10_vit Eyes.depth=2 Eyes.out_channels=16',
    'colours CoAtNet': f'{COLOURS} Eyes=CoAtNet Eyes.channels=[8,8,16,32,64] pool=AttentionPool',
    'colours Perceiver': f'{COLOURS} Eyes=Perceiver Eyes.out_channels=16 pool=Transformer recipes.actor.trunk=CLSPool',
    'colours ConvNeXt': f'{COLOURS} Eyes=ConvNeXt Eyes.channels=[8,8,16,16] pool=Relation pool.hidden_dim=16',
    'gan non_saturating': f'{PAINTED} agent.gan.loss=non_saturating agent.gan.r1=1 ema=false',
    'gan hinge': f"""{PAINTED} agent.gan.loss=hinge agent.gan.augment=[color,shift,cut] agent.gan.proposals=1
        recipes.actor.pi_head=ResidualGenerator recipes.critic.q_head=ResidualDiscriminator""",
    'gan wasserstein': f'{PAINTED} agent.gan.loss=wasserstein agent.gan.slope=10 agent.gan.critic_steps=2',
    'gan relativistic': f'{PAINTED} agent.gan.loss=relativistic agent.gan.r1=1 agent.gan.r2=1 precision=fp32',
    'gan conditional': f'{PAINTED} recipe=mnist_gan precision=bf16',
}
RESUMED = {  # words, and after how many steps; the second time to the end
    'DQN': (f'{CARTPOLE} replay.prioritized=true nstep=3 ema=true replay.save=true', 80),
    'PPO': (f'{CARTPOLE} Agent=PPO {ROLLOUT} agent.memory=LSTM agent.normalize_reward=true replay.save=true', 80),
    'DrQV2': (f'{PENDULUM} Agent=DrQV2 replay.save=true', 80),
    'SAC': (f'{SWINGUP} Agent=SAC num_envs=2 agent.accumulate=3 replay.save=true', 80),
    'pong': (f'{PONG} num_envs=2 replay.save=true', 30),
    'digits': (f"{DIGITS} RL=false 'replay.mix={{MixUp:{{}}}}'", 6),
    'generate': (PAINTED, 3),
}
SEVERAL = {
    'replay of its own': [f'{CARTPOLE} {words}' for words in (
        'replay.save=true', 'offline=true replay.load=true train_steps=20', 'replay.load=true replay.save=true')],
    'exchange': [f'{CARTPOLE} replay.save=true', f'export={REPLAY}/cartpole_1_* to=ROOT/out.npz',
                 'import=ROOT/out.npz to=ROOT/imported', 'inspect=ROOT/imported'],
    'collectors': [COLLECT, f'{COLLECT} collector=2', f'{LEARN} train_steps=60', COLLECT,
                   f'{LEARN} load=true train_steps=90'],
    'evaluate checkpoints': [KEEP, f'{KEEP} evaluate_checkpoints=true', f'{KEEP} checkpoint=best record=true'],
    'reproduce': [f'{CARTPOLE} description=first', 'reproduce=ROOT/Benchmarking/Exp root=ROOT device=cpu'],
    'transfer, features': [
        f'{DIGITS} RL=false', f'{DIGITS} Eyes=Utils.load Eyes.path={AGENT} Eyes.attr=encoder.eyes experiment=After',
        f'{PAINTED} features={AGENT}/agent.safetensors experiment=Judged conditional=true'],
    'frames': [f'{PONG} replay.save=true learn_per_steps=0', f'{PONG} generate=true train_steps=2 samples=3'],
}  # fmt: skip


def runs():
    """Returns every run as {name: its commands, which run one after another}."""
    found = {task: [f'{SWEEP} {words} Agent={agents}'] for task, (words, agents) in SWEPT.items()}
    for mode, words in MODES.items():
        for half in ('DQN,Rainbow,SPR,DrQV2,TD3,SAC', 'A2C,PPO,Random,BC,IQL,TD3BC'):
            found[f'digits {mode}, {half[:3]}-'] = [f'{SWEEP} {words} Agent={half}']
    for task, words, conservative in (('cartpole', CARTPOLE, 'DQN,Rainbow'), ('pendulum', PENDULUM, 'SAC')):
        learn = f'{SWEEP} {words} offline=true train_steps=12 replay.path={REPLAY}/{task}_1 experiment=Learned'
        more = (f'{learn} Agent=BC,IQL,TD3BC', f'{learn} Agent={conservative} agent.conservative=1')
        found[f'offline {task}'] = [f'{words} replay.save=true', *more]
    for name, (words, half) in RESUMED.items():
        save = f'{words} save_per_steps={half // 3 + 1}'
        found[f'resume {name}'] = [f'{save} train_steps={half}', f'{save} load=true']
    return found | {name: [command] for name, command in SINGLE.items()} | SEVERAL


def digest(parts):
    """Returns a short hash of a list of words or bytes."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


def code_of(checkout):
    """Names the code of a checkout by its commit and a hash of what is not committed."""

    def git(*words):
        return subprocess.run(['git', '-C', checkout, *words], check=True, capture_output=True).stdout

    new = git('ls-files', '--others', '--exclude-standard', '-z').decode().split('\0')[:-1]
    changes = [git('diff', '--binary', 'HEAD'), *(name.encode() + (checkout / name).read_bytes() for name in new)]
    return f'{git("rev-parse", "HEAD").decode()[:10]}_{digest(changes)}'


def perform(commands, checkout, folder, bytecode):
    """Runs the commands unless `folder` holds their results. Returns exit statuses and CPU seconds."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix('.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another call may be at the same run
        done, result = folder / 'done.json', {'status': [], 'seconds': 0.0, 'commands': commands}
        if done.exists() and not any((earlier := json.loads(done.read_text()))['status']):
            return earlier
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
        environment['PYTHONPYCACHEPREFIX'] = str(bytecode)  # nothing is written into the checkouts
        for command in commands:
            words = [sys.executable, 'Run.py', *shlex.split(command.replace('ROOT', str(folder)))]
            words = [re.sub(r'(?<==)/.*\*', lambda match: max(glob(match[0]), default='none'), word) for word in words]
            with (folder / 'log.txt').open('a') as log:
                process = subprocess.Popen(words, cwd=checkout, env=environment, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            result['status'].append(process.returncode)
            result['seconds'] = round(result['seconds'] + usage.ru_utime + usage.ru_stime, 2)
        done.write_text(json.dumps(result, indent=1))
        return result


def contents(folder):
    """Returns {name: path} of the files to compare. Masks dates, then numbers equal names."""
    found = {}
    for path in sorted(folder.rglob('*')):
        if path.suffix in COMPARED or path.name == 'header.json':
            name = DATE.sub('DATE', path.relative_to(folder).as_posix())
            number = sum(other.partition(' #')[0] == name for other in found)
            found[f'{name} #{number + 1}' if number else name] = path
    return found


def entries(path, folder, renames):
    """Returns {key: value} of a file: a table's cells, an agent's tensors and header, or else all bytes."""
    if path.suffix == '.csv':
        with path.open(newline='') as file:
            rows = enumerate(csv.DictReader(file), 1)
            return {f'row {i} {key}': row[key] for i, row in rows for key in row if key not in ('time', 'fps')}
    if path.suffix != '.safetensors':
        return {'bytes': path.read_bytes()}
    with safe_open(path, 'np') as file:
        header = json.loads((file.metadata() or {}).get('run', '{}'))
    header.pop('checksum', None)
    found = {name: (at['dtype'], at['shape'], bytes(at['data'])) for name, at in deserialize(path.read_bytes())}

    def flatten(node, key):
        if isinstance(node, dict) and '__array__' in node:  # it lies among the tensors, under a number
            found[key] = (node['dtype'], node['shape'], found.pop(node['__array__'])[2])
        elif isinstance(node, (dict, list)) and node:
            for name, value in node.items() if isinstance(node, dict) else enumerate(node):
                flatten(value, f'{key}.{name}'.lstrip('.'))
        else:
            found[key] = DATE.sub('DATE', node).replace(str(folder), 'ROOT') if isinstance(node, str) else node

    flatten(header, '')
    for old, new in renames.items():
        found = {re.sub(old, new, key): value for key, value in found.items()}
    return {DATE.sub('DATE', key): found[key] for key in sorted(found)}


def difference(a, b):
    """Describes the first difference between two folders of results; '' if there is none."""
    ours, theirs, found = contents(a), contents(b), []
    for file in sorted(ours | theirs):
        if file not in ours or file not in theirs:
            found.append(f'{file}: only in {"A" if file in ours else "B"}')
            continue
        one, two = entries(ours[file], a, RENAMES), entries(theirs[file], b, {})
        keys = [key for key in one | two if key not in one or key not in two or one[key] != two[key]]
        if keys:
            values = contrast(one.get(keys[0], 'nothing'), two.get(keys[0], 'nothing'))
            found.append(f'{file}: {keys[0]}: {values}; {len(keys)} of {len(one | two)} keys')
    return f'{found[0]}; {len(found)} of {len(ours | theirs)} files' if found else '' if ours else 'no results'


def contrast(a, b):
    """Describes in a few words how two values differ."""
    if isinstance(a, tuple) and isinstance(b, tuple) and a[:2] == b[:2] and a[0] in FLOATS:
        return f'up to {np.abs(np.frombuffer(a[2], "f4") - np.frombuffer(b[2], "f4")).max():.2g} apart'
    a, b = (value[:2] if isinstance(value, tuple) else value for value in (a, b))
    return 'other bytes' if isinstance(a, bytes) or a == b else f'{str(a)[:40]} in A, {str(b)[:40]} in B'


def main(argv=None):
    """Does the runs that are missing, compares, and prints a line for each. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkouts', nargs=2, type=Path, metavar='checkout')
    parser.add_argument('--only', default='', help='runs whose names hold this')
    parser.add_argument('--out', type=Path, help='also write the table there, as CSV')
    parser.add_argument('--workers', type=int, default=2, help='runs at once')
    parser.add_argument('--work', type=Path, default=Path('compare_cache'), help='folder of the results')
    args = parser.parse_args(argv)
    checkouts, work, began = [place.resolve() for place in args.checkouts], args.work.resolve(), time.monotonic()
    codes = [code_of(place) for place in checkouts]
    codes[1] += '_again' * (codes[0] == codes[1])
    pool, jobs, rows = ThreadPoolExecutor(args.workers), [], []
    for name, commands in runs().items():
        if args.only in name:
            place = f'{re.sub("[^a-zA-Z0-9]+", "_", name)}_{digest([shlex.split(words) for words in commands])}'
            pairs = [(checkout, work / code / place) for checkout, code in zip(checkouts, codes, strict=True)]
            jobs.append((name, pairs, [pool.submit(perform, commands, *pair, work / 'bytecode') for pair in pairs]))
    print('run                        equal   A [s]   B [s]  first difference (seconds of CPU time)')
    try:
        for name, ((_, a), (_, b)), futures in jobs:
            one, two = (future.result() for future in futures)
            failed = [f'{folder}/log.txt' for folder, result in ((a, one), (b, two)) if any(result['status'])]
            first = f'failed: {", ".join(failed)}' if failed else difference(a, b)
            rows.append((name, 'no' if first else 'yes', one['seconds'], two['seconds'], first))
            print('{:28}{:4}{:8.1f}{:8.1f}  {}'.format(*rows[-1]), flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    if args.out:
        with args.out.open('w', newline='') as file:
            csv.writer(file).writerows([('run', 'equal', 'seconds_a', 'seconds_b', 'first_difference'), *rows])
    equal = [row[1] for row in rows].count('yes')
    print(f'{equal} of {len(rows)} runs are equal; {(time.monotonic() - began) / 60:.1f} minutes')
    return int(equal < len(rows))


if __name__ == '__main__':
    sys.exit(main())
