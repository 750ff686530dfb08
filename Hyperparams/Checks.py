"""What is wrong with a composed config, found before anything heavy is imported."""

import functools
import importlib.util
import math
import re
from pathlib import Path

from Hyperparams.Options import FOLDER
from Support.Classes import check_target, public_names
from Support.Errors import UserError, hint, nearest
from Support.Files import PROJECT
from Support.Schedules import extremes, schedule

POSITIVE = (
    *('num_envs', 'action_repeat', 'frame_stack', 'batch_size', 'nstep', 'replay.nstep', 'trunk_dim', 'hidden_dim'),
    *('evaluate_episodes', 'evaluate_envs', 'agent.num_critics', 'agent.target_period', 'agent.latent_dim'),
    *('threads', 'replay.capacity', 'bins', 'samples', 'agent.accumulate', 'collector'),
    *('agent.gan.critic_steps', 'agent.gan.proposals'),
)
FRACTIONS = ('discount', 'replay.discount', 'agent.target_tau', 'agent.ema_decay', 'agent.label_smoothing')  # 0 .. 1
KINDS = {'threads': 1, 'replay.capacity': 1, 'replay.reward_clip': 1.0, 'agent.clip_grad_norm': 1.0,
           'exact': False}  # kinds of what is null by default  # fmt: skip
MAY_BE_NULL = ('evaluate_episodes',)  # in classification: the whole test set
EXAMPLES = {'gym.id': 'CartPole-v1', 'Dataset.root': '<folder with a folder of images for each class>'}  # for ???
SCHEDULES = (
    *('lr', 'stddev_schedule', 'nstep', 'discount', 'replay.nstep', 'replay.discount', 'replay.beta'),
    *('agent.lr', 'agent.stddev_schedule', 'agent.epsilon', 'agent.temperature'),
    *('agent.rates.encoder', 'agent.rates.actor', 'agent.rates.critic'),
)


def check(config):
    """Puts whole numbers given as 1e5 right and raises UserError for the first mistake."""
    from omegaconf import OmegaConf

    raw = OmegaConf.to_container(config)
    for key in keys(raw):
        if lookup(raw, key) == '???':
            raise UserError(f'{key} must be given: {key}={EXAMPLES.get(key, "<value>")}')
    resolve_shares(config, raw)
    resolve_evaluation(config)
    plain = to_plain(config)
    for key in SCHEDULES:
        check_schedule(plain, key)
    check_values(config, plain, OmegaConf.to_container(defaults(), resolve=True))
    check_transforms(plain['replay'].get('transform'))
    check_together(plain)
    for key, path in targets(plain):
        check_target(path, key)
    check_recipes(plain['recipes'], 'recipes')


@functools.cache
def defaults():
    """args.yaml as it stands: every key with its default."""
    from omegaconf import OmegaConf

    config = OmegaConf.load(FOLDER / 'args.yaml')
    del config['defaults'], config['hydra']
    return config


def resolve_shares(config, raw):
    """Steps of a schedule that are given as a share of the run, 5%, become the train_steps that they are."""
    from omegaconf import OmegaConf

    def steps(match):
        return f'{float(match[1]) / 100 * config.train_steps:g}'

    for key in SCHEDULES:
        value = lookup(raw, key) if key in keys(raw) else None
        if isinstance(value, str) and '${' not in value and '%' in value:
            OmegaConf.update(config, key, re.sub(r'([\d.]+)\s*%', steps, value))


def resolve_evaluation(config):
    """evaluate_checkpoints=true and record=true are evaluations alone."""
    if config.evaluate_checkpoints or config.record:
        config.train_steps, config.video = 0, config.record
        config.load = not config.evaluate_checkpoints
    if config.checkpoint is not None:
        config.load = True


def to_plain(config):
    """DictConfig -> dict with every `${...}` resolved. Raises UserError naming the key of one that leads nowhere."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f'{error.full_key}: {str(error).splitlines()[0]}.') from error


def keys(node, prefix=''):
    """Every dotted key of a plain config, groups of keys included."""
    for name, value in node.items():
        yield f'{prefix}{name}'
        if isinstance(value, dict):
            yield from keys(value, f'{prefix}{name}.')


def lookup(node, key):
    """The value at a dotted key of a plain config. Raises KeyError."""
    for name in key.split('.'):
        node = node[name]
    return node


def unknown_key(key, config):
    """The error of a key that the config has not, with the nearest one that it has."""
    known = list(keys(config))
    near = nearest(key, [*known, 'Eyes', 'Aug', 'Agent', 'task'])
    if near is None and '.' in key:  # a right name under the wrong parent
        last = {name.split('.')[-1]: name for name in reversed(known)}
        near = last.get(nearest(key.split('.')[-1], last))
    return UserError(f"No key '{key}'." + (f' Nearest: {near}.' if near else '') + ' All: python Run.py --help')


def check_values(config, values, wanted, prefix=''):
    """Compares the kinds of the values with those of the defaults; null stands where it is the default."""
    for name, default in wanted.items():
        key, value = f'{prefix}{name}', values.get(name)
        default = KINDS.get(key, default)
        if isinstance(default, dict) and not isinstance(value, dict):
            raise UserError(
                f"{key} has keys of its own, for example {key}.{next(iter(default))}; it cannot be '{value}'."
            )
        if isinstance(default, dict):
            check_values(config, value, default, f'{key}.')
        elif value is not None:
            check_value(config, key, value, default)
        elif default is not None and key not in (*KINDS, *MAY_BE_NULL):
            raise UserError(f'{key} cannot be null: {key}={default}')


def check_value(config, key, value, default):
    """Raises UserError unless a value is of its default's kind and in range; puts 1e5 and names of digits right."""
    from omegaconf import OmegaConf

    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{key} is true or false, not '{value}'.")
    elif isinstance(default, str) and key not in SCHEDULES:
        OmegaConf.update(config, key, str(value))  # experiment=1
    elif isinstance(default, (int, float)):
        for number in extremes(value) if key in SCHEDULES and isinstance(value, str) else [value]:
            check_number(key, number, default)
        if isinstance(default, int) and isinstance(value, float):
            OmegaConf.update(config, key, int(value))


def check_number(key, value, default):
    """Raises UserError if this is no number, or not one of the default's kind and the key's range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{key} is a number, not '{value}'.")
    if not math.isfinite(value) or (isinstance(default, int) and value != int(value)):
        raise UserError(f'{key} is a {"whole" if isinstance(default, int) else "finite"} number, not {value}.')
    if value < (key in POSITIVE):
        raise UserError(f'{key} is at least {int(key in POSITIVE)}, not {value}.')
    if key in FRACTIONS and value > 1:
        raise UserError(f'{key} is between 0 and 1, not {value}.')


def check_together(values):
    """Settings that exclude each other."""
    classify, generate = values['suite_name'] == 'classify', values['generate']
    name = Path(str(values['experiment']))
    if name.is_absolute() or '..' in name.parts or name == Path():
        raise UserError(f'experiment={values["experiment"]} is no name: give another place with root=<folder>')
    if values['find_lr'] and (generate or not classify):
        raise UserError('find_lr is for task=classify/<data set>: elsewhere a falling loss says little.')
    if generate and not values['offline']:
        raise UserError('generate=true learns from saved images: leave offline=false out.')
    if classify and not (values['RL'] or values['supervise'] or generate):
        raise UserError('RL=false and supervise=false leave nothing to learn from: leave one of them out.')
    if not classify and not (values['RL'] or generate):
        raise UserError('RL=false needs labels to learn from: task=classify/<data set>')
    if values['replay']['prioritized'] and (classify or generate):
        raise UserError('replay.prioritized=true is for control: images are drawn uniformly here, so leave it out.')
    for key in ('transform', 'mix', 'balanced'):
        if values['replay'][key] and not (classify and values['offline']):
            raise UserError(f'replay.{key} is for data sets: task=classify/<data set>; control has Aug=RandomShifts.')
    if values['record'] and (classify or generate):
        raise UserError('record=true films episodes, of which there are none here: load=true train_steps=0 evaluates.')
    if values['tta'] and not classify:
        raise UserError('tta is for classification: task=classify/<data set>')
    if not classify and values['evaluate_episodes'] is None:
        raise UserError('evaluate_episodes must be given: evaluate_episodes=10')


def targets(node, key=''):
    """(key, path) of every class that a plain config names."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, (dict, list)):
            yield from targets(value, f'{key}.{name}' if key else str(name))
        elif name == '_target_' and value is not None:
            yield f'{key}._target_', value


def check_schedule(plain, key):
    """Raises UserError if there is such a key and it is no schedule."""
    if key in keys(plain) and lookup(plain, key) is not None:
        try:
            schedule(lookup(plain, key), 0)
        except UserError as error:
            raise UserError(f'{key}: {error}') from error


def check_recipes(node, key):
    """Arguments of a block go to a class that was named."""
    if '_target_' not in node:
        for name, part in node.items():
            check_recipes(part, f'{key}.{name}')
    elif node['_target_'] is None and set(node) - {'_target_', '_partial_'}:
        name = next(name for name in node if name not in ('_target_', '_partial_'))
        raise UserError(f'{key}.{name} goes to a block that is not named: add {key}=<class>.')


def check_transforms(transforms):
    """replay.transform={Name: {arguments}}: each one of ours or torchvision's."""
    if transforms is None:
        return
    if not isinstance(transforms, dict):
        raise UserError(
            f'replay.transform is names with arguments, as "{{RandomHorizontalFlip:{{}}}}", not \'{transforms}\'.'
        )
    torchvision = importlib.util.find_spec('torchvision').submodule_search_locations[0]
    known = public_names(PROJECT / 'Datasets' / 'Images' / 'BatchTransforms.py') | public_names(
        Path(torchvision, 'transforms', 'v2')
    )
    for name in set(transforms) - known:
        raise UserError(f"No transform '{name}' (replay.transform).{hint(name, known)}")


def first_line(message):
    """The first line of a Hydra message, without the advice that follows."""
    return re.sub(r'\s+', ' ', message.strip().splitlines()[0]).rstrip('.')
