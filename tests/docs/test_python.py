"""The Python of docs/command_line.md runs."""

import re

from Support.Files import PROJECT


def test_the_python_of_the_command_line_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(r'```python\n(.*?)```', (PROJECT / 'docs/command_line.md').read_text(), re.DOTALL)
    short = ", 'threads=1', 'video=false', 'tensorboard=false', 'plotting.plot_experiments=false', 'train_steps=100']"
    names = {}
    exec(shown.replace("'mini=true']", f"'mini=true'{short}"), names)
    assert names['step'].reward.tolist() == [1, 1] and names['score'] > 0
