"""pyproject.toml and Conda.yml name the same packages and versions; what must be pinned is."""

import tomllib

import yaml

from Support.Files import PROJECT

ROOT = PROJECT
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']


def test_conda_file_matches_pyproject():
    conda = yaml.safe_load((ROOT / 'Conda.yml').read_text())
    (pip,) = [entry['pip'] for entry in conda['dependencies'] if isinstance(entry, dict)]
    assert sorted(pip) == sorted(PROJECT['dependencies'])
    assert f'python{PROJECT["requires-python"]}' in conda['dependencies']


def test_mujoco_and_dm_control_are_an_exact_pair():
    assert 'dm_control==1.0.50' in PROJECT['dependencies']
    assert 'mujoco==3.17.0' in PROJECT['dependencies']


def test_autorom_is_an_extra_only():
    assert not any('autorom' in name for name in PROJECT['dependencies'])
    assert 'autorom' in PROJECT['optional-dependencies']


def test_no_code_reads_or_writes_pickles():
    for path in ROOT.rglob('*.py'):
        if '.venv' in path.parts or path.parent.name == 'tests' or 'tests' in path.parts:
            continue
        text = path.read_text()
        for word in ('import pickle', 'torch.load(', 'torch.save(', 'allow_pickle=True', 'joblib', '__dict__.update'):
            assert word not in text, f'{path} has {word}'
