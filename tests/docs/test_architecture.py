"""Imports run one way, as docs/design.md says and its picture shows; README shows the update that runs."""

import inspect
import re
import textwrap

from Agents.Agent import Agent
from docs import draw_architecture
from Support.Files import PROJECT


def table():
    """{room: rooms that it may import}, of docs/design.md."""
    page = (PROJECT / 'docs/design.md').read_text().split('## What flows')[0]
    rows = re.findall(r'^\| `(\w+)` \| [^|]* \| ([^|]*) \|$', page, re.MULTILINE)
    allowed = {}
    for room, text in rows:
        allowed[room] = set(allowed) if text == 'all of the above' else set(re.findall(r'`(\w+)`', text))
    return allowed


def test_every_room_imports_only_what_the_table_of_design_allows():
    allowed = table()
    assert allowed.keys() == draw_architecture.ROOMS.keys()
    wrong = [f'{above} imports {below}' for above, below in draw_architecture.imports() if below not in allowed[above]]
    assert not wrong, wrong


def test_every_import_leads_down_so_there_is_no_circle():
    assert not draw_architecture.upward(draw_architecture.imports())


def test_the_picture_shows_the_imports():
    assert draw_architecture.drawn() == draw_architecture.imports(), 'run: python docs/draw_architecture.py'


def test_the_update_of_readme_is_the_one_that_runs():
    (shown,) = re.findall(r'```python\n(for batch .*?)```', (PROJECT / 'README.md').read_text(), re.DOTALL)
    source = textwrap.dedent(inspect.getsource(Agent.learn)).replace('\n    ', '\n')
    assert shown in re.sub(r'  # type: ignore.*', '', source)


def test_the_path_of_one_observation_is_short():
    """At most 14 files of 1,900 lines lead from an Atari frame to a DQN's gradient."""
    section = (
        (PROJECT / 'docs/design.md').read_text().partition('## The path of one observation')[2].partition('\n## ')[0]
    )
    rows = [line for line in section.splitlines() if line.startswith('| `')]
    files = [name for row in rows for name in re.findall(r'`([\w/]+\.py)`', row.split('|')[1])]
    lines = sum(len((PROJECT / name).read_text().splitlines()) for name in files)
    assert 10 < len(files) <= 14 and lines <= 1900
