"""Classes by their Python path."""

import pytest
import torch

from Support.Classes import argument_names, resolve
from Support.Errors import UserError


def test_resolve():
    assert resolve('torch.optim.AdamW') is torch.optim.AdamW
    assert resolve('torch.nn.functional.relu') is torch.nn.functional.relu
    assert resolve('torch.nn.Linear.forward') is torch.nn.Linear.forward


def test_resolve_takes_a_class_from_the_module_of_its_name(tmp_path, monkeypatch):
    (tmp_path / 'some_package').mkdir()
    (tmp_path / 'some_package' / 'Block.py').write_text('class Block:\n    pass\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve('some_package.Block').__name__ == 'Block' and isinstance(resolve('some_package.Block'), type)


def test_resolve_names_the_nearest_and_the_cause(tmp_path, monkeypatch):
    (tmp_path / 'needs_more.py').write_text('import not_installed_at_all\n')
    monkeypatch.syspath_prepend(tmp_path)
    for path, parts in {
        'torch.optim.AdamWW': ['AdamWW', 'torch.optim', 'Nearest: AdamW.'],
        'torch.nn.Linearr': ['Nearest: Linear.'],
        'no_such_module.X': ['no_such_module'],
        'needs_more.X': ['needs_more', 'not_installed_at_all'],
        'a..b': ['a..b'],
        '': ['torch.optim.AdamW'],
    }.items():
        with pytest.raises(UserError) as caught:
            resolve(path)
        for part in parts:
            assert part in str(caught.value)


class Meta(type):
    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class Base(metaclass=Meta):
    def __init__(self, lr, *, beta=1):
        pass


class Derived(Base):
    def __init__(self, *args, omega, **common):
        super().__init__(*args, **common)


def test_argument_names():
    assert argument_names(Derived) == ['omega', 'lr', 'beta']  # whatever the metaclass takes
    assert argument_names(torch.nn.Linear)[:2] == ['in_features', 'out_features']
    assert argument_names(lambda a, **more: None) is None and argument_names(object) == []
