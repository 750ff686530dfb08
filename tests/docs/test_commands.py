"""Every command of README and docs runs, shortened by overrides only; those of the agents' pages compose."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from Hyperparams.Compose import compose
from Support.Files import PROJECT

ROOT = PROJECT
DATA = ROOT.parent / 'shared' / 'datasets'
SHORT = ['mini=true', 'threads=1', 'plotting.plot_experiments=false', 'tensorboard=false', 'video=false']
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
AGENTS = [page for page in PAGES if page.parent.name == 'agents']  # a hundred runs would take an hour


def commands(page):
    """The `python Run.py ...` lines of a page's console blocks, comments off."""
    for block in re.findall(r'```console\n(.*?)```', page.read_text(), re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line.split(' # ')[0].strip(), comments=True)
            if words[:2] == ['python', 'Run.py'] and '--help' not in words:
                yield words[2:]


def write_files(page, folder):
    """The files that a page shows: a line with `their/name.py`: and a block of code."""
    for name, text in re.findall(r'^`([\w./]+)`:\n\n```\w+\n(.*?)```', page.read_text(), re.DOTALL | re.MULTILINE):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize('page', AGENTS, ids=lambda page: page.stem)
def test_commands_of_agents_compose(page):
    for words in commands(page):
        compose(words)


@pytest.mark.timeout(900)
@pytest.mark.parametrize('page', [page for page in PAGES if page not in AGENTS], ids=lambda page: page.stem)
def test_commands_run(page, tmp_path):
    """In their order, in one folder: a later one may load what an earlier one saved."""
    write_files(page, tmp_path)
    for words in commands(page):
        if any('mnist' in word for word in words):
            if not DATA.is_dir():
                continue  # the tests of whole runs cover the digits, which need no data
            words = [*words, f'data={DATA}']
        lengths = [word for word in SHORT if not word.startswith('video') or 'classify' not in str(words)]
        if words[0].startswith('reproduce='):  # as it was recorded
            lengths = []
        if 'generate=true' in words and 'task=atari/breakout' in words:
            lengths.append('batch_size=8')  # images of 84 pixels
        kept = [word for word in words if not re.match(r'(train_steps=[1-9]|save_per_steps|agent.num_proposals)', word)]
        run = subprocess.run(
            [sys.executable, ROOT / 'Run.py', *kept, *lengths], cwd=tmp_path, capture_output=True, text=True,
            env=os.environ | {'OMP_NUM_THREADS': '1'}, timeout=280, check=False,
        )  # fmt: skip
        assert run.returncode == 0, f'{" ".join(words)}: {run.stderr}'


def test_what_adding_shows_passes_its_own_test(tmp_path):
    write_files(ROOT / 'docs' / 'adding.md', tmp_path)
    environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', tmp_path]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and '2 passed' in run.stdout, run.stdout


def test_links_lead_somewhere():
    for page in PAGES:
        for link in re.findall(r'\]\(([^)#:]+)\)', page.read_text()):
            assert (page.parent / link).exists(), f'{page.name} links to {link}'
