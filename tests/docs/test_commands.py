"""Every command of README and docs runs, shortened by overrides only; those of the agents' pages compose."""

import re
import shlex

import pytest

from Hyperparams.Compose import compose
from Support.Files import PROJECT
from tests.program.runs import run

DATA = PROJECT.parent / 'shared' / 'datasets'
SHORT = ['mini=true', 'threads=1', 'plotting.plot_experiments=false', 'tensorboard=false', 'video=false']
SHORTER = {  # than mini, by what is learned from
    'states': ['train_steps=60', 'evaluate_per_steps=30', 'seed_steps=30', 'batch_size=32'],
    'images': ['train_steps=10', 'evaluate_per_steps=5', 'log_per_steps=5', 'batch_size=32'],
    'pixels': ['train_steps=30', 'evaluate_per_steps=15', 'seed_steps=20', 'batch_size=8', '++suite.max_frames=100'],
    'generate=true': ['train_steps=4', 'evaluate_per_steps=2', 'batch_size=8', 'samples=16'],
}
PAGES = [PROJECT / 'README.md', *sorted((PROJECT / 'docs').rglob('*.md'))]
AGENTS = [page for page in PAGES if page.parent.name == 'agents']  # a hundred runs would take an hour
LENGTHS = re.compile(r'(train_steps=[1-9]|save_per_steps|agent.num_proposals)')
READS = re.compile(r'load=true|offline=true|reproduce=|evaluate_checkpoints=true|task=atari/\w+ generate=true|'
                   r'(Benchmarking|Checkpoints|ReplayBuffer)/')  # fmt: skip


def commands(page):
    """The `python Run.py ...` lines of a page's console blocks, without their comments."""
    found = []
    for block in re.findall(r'```console\n(.*?)```', page.read_text(), re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line.split(' # ')[0].strip(), comments=True)
            if words[:2] == ['python', 'Run.py'] and words[2:] not in found:
                found.append(words[2:])
    return found


def named(pages):
    """A parameter (page, words of a command) for each command of the pages."""
    return [pytest.param(page, words, id=' '.join([page.stem, *words])) for page in pages for words in commands(page)]


def write_files(page, folder):
    """The files that a page shows: a line with `their/name.py`: and a block of code."""
    for name, text in re.findall(r'^`([\w./]+)`:\n\n```\w+\n(.*?)```', page.read_text(), re.DOTALL | re.MULTILINE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def written(words):
    """(experiment, task) under which a command saves."""
    given = dict(word.split('=', 1) for word in words if '=' in word)
    recipe = given.get('recipe', '').split('_')[0]
    return given.get('experiment', 'Exp'), given.get('task', f'classify/{recipe}' if recipe else 'atari/pong')


def needed(page, words):
    """The earlier commands of the page that saved what this one reads."""
    text, every = ' '.join(words), commands(page)
    if not READS.search(text):
        return []
    path = re.search(r'(?:Benchmarking|Checkpoints|ReplayBuffer)/(\w+)/\w+/(\w+/\w+)_\d', text)
    read = path.groups() if path else written(words)
    return [earlier for earlier in every[: every.index(words)] if written(earlier) == read]


def shortened(words, mini):
    """The command's words and what makes it short; `mini`: mini=true alone does."""
    suite = written(words)[1].split('/')[0]
    kind = {'classify': 'images', 'atari': 'pixels', 'dmc': 'pixels'}.get(suite, 'states')
    lengths = [word for word in SHORT if not word.startswith('video') or suite != 'classify']
    if not mini:
        lengths += SHORTER['generate=true' if 'generate=true' in words else kind]
    elif 'generate=true' in words and kind == 'pixels':
        lengths.append('batch_size=8')
    if re.search('reproduce=|--help', ' '.join(words)):  # as it was recorded
        lengths = []
    if any('mnist' in word for word in words):
        lengths.append(f'data={DATA}')
    given = {word.partition('=')[0] for word in words if not LENGTHS.match(word)}
    lengths = [word for word in lengths if word.partition('=')[0] not in given]
    return [*(word for word in words if not LENGTHS.match(word)), *lengths]


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """A folder for each page and length, with the files that the page shows, and the commands that have run there."""
    found = {}

    def folder(page, mini):
        if (page, mini) not in found:
            found[page, mini] = tmp_path_factory.mktemp(page.stem), []
            write_files(page, found[page, mini][0])
        return found[page, mini]

    return folder


@pytest.mark.parametrize(('page', 'words'), named(AGENTS))
def test_commands_of_agents_compose(page, words):
    compose(words)


@pytest.mark.timeout(600)
@pytest.mark.parametrize('mini', [False, pytest.param(True, marks=pytest.mark.slow)], ids=['short', 'mini'])
@pytest.mark.parametrize(('page', 'words'), named(page for page in PAGES if page not in AGENTS))
def test_commands_run(page, words, mini, folders):
    """In the folder of its page, after those commands that saved what it loads."""
    if any('mnist' in word for word in words) and not DATA.is_dir():
        pytest.skip('MNIST is not here; the tests of whole runs cover the digits, which need no download')
    folder, ran = folders(page, mini)
    for command in [*needed(page, words), words]:
        if command not in ran or command == words:
            done = run(shortened(command, mini), folder, 500)
            assert done.status == 0, f'{" ".join(command)}: {done.err}'
            ran.append(command)


def test_what_adding_shows_passes_its_own_test(tmp_path):
    write_files(PROJECT / 'docs' / 'adding.md', tmp_path)
    done = run(['-q', '-p', 'no:cacheprovider', '-p', 'no:xdist', tmp_path], tmp_path, program=pytest.main)
    assert done.status == 0 and '2 passed' in done.out, done.out
