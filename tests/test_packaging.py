"""pyproject.toml and Conda.yml name the same packages and versions; what must be pinned is."""

import tomllib

import yaml

from Support.Files import PROJECT

PACKAGE = tomllib.loads((PROJECT / 'pyproject.toml').read_text())['project']


def test_conda_file_matches_pyproject():
    conda = yaml.safe_load((PROJECT / 'Conda.yml').read_text())
    (pip,) = [entry['pip'] for entry in conda['dependencies'] if isinstance(entry, dict)]
    assert sorted(pip) == sorted(PACKAGE['dependencies'])
    assert f'python{PACKAGE["requires-python"]}' in conda['dependencies']


def test_mujoco_and_dm_control_are_an_exact_pair():
    assert 'dm_control==1.0.50' in PACKAGE['dependencies']
    assert 'mujoco==3.17.0' in PACKAGE['dependencies']


def test_autorom_is_an_extra_only():
    assert not any('autorom' in name for name in PACKAGE['dependencies'])
    assert 'autorom' in PACKAGE['optional-dependencies']


def test_no_code_reads_or_writes_pickles():
    for path in PROJECT.rglob('*.py'):
        if '.venv' in path.parts or path.parent.name == 'tests' or 'tests' in path.parts:
            continue
        text = path.read_text()
        for word in ('import pickle', 'torch.load(', 'torch.save(', 'allow_pickle=True', 'joblib', '__dict__.update'):
            assert word not in text, f'{path} has {word}'
