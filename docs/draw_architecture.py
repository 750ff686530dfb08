"""Draws docs/architecture.svg from the imports of the tree: python docs/draw_architecture.py

A box is a room: a folder or a file of the top level. A room stands above all rooms that it imports, so every arrow
points down. Imports that follow from other arrows have none of their own.
`tests/docs/test_architecture.py` fails when the picture's arrows differ from the imports.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / 'docs' / 'architecture.svg'


class Room(NamedTuple):
    """How the picture shows a room."""

    text: str  # one line: what is in it
    x: float  # of the box's middle, 0 to 12
    width: float
    color: str


ROOMS = {
    'Run': Room('entry point: the loop of acting, learning, evaluating', 6, 4.6, '#31456a'),
    'Runs': Room('builds the parts of a run; reproduces; finds a learning rate', 6, 4.6, '#31456a'),
    'Logging': Room('logs, checkpoints, evaluation, plots', 4, 4.6, '#6d4a86'),
    'Agents': Room('the update, written once; agents and their losses', 4, 4.6, '#a9503a'),
    'Environment': Room('rollouts and evaluations', 9.3, 3.2, '#2c7469'),
    'Datasets': Room('where experience comes from', 7.9, 4.6, '#2c7469'),
    'Blocks': Room('networks and distributions', 2.6, 3.8, '#a87722'),
    'Hyperparams': Room('command line and YAML', 7.9, 4.6, '#56763a'),
    'Support': Room('errors, files, classes by name, schedules, random state, machine', 6, 10.6, '#5f6873'),
}
FILES = ('Run', 'Environment')  # rooms that are one file


def imports(root: Path = ROOT) -> set[tuple[str, str]]:
    """Returns (importing room, imported room) for all imports of the tree, those inside functions included."""
    found = set()
    for room in ROOMS:
        for path in [root / f'{room}.py'] if room in FILES else sorted((root / room).rglob('*.py')):
            for node in ast.walk(ast.parse(path.read_text())):
                found |= {(room, name.split('.')[0]) for name in names(node)}
    return {(above, below) for above, below in found if above != below and below in ROOMS}


def names(node: ast.AST) -> list[str]:
    """Returns the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def levels(edges: set[tuple[str, str]]) -> dict[str, int]:
    """Returns each room's level: 0 for a room that imports nothing, else one above the highest that it imports.

    Raises ValueError if rooms import each other in a circle.
    """
    level: dict[str, int] = {}
    while len(level) < len(ROOMS):
        ready = {room for room in ROOMS if all(below in level for above, below in edges if above == room)} - set(level)
        if not ready:
            raise ValueError(f'these rooms import each other in a circle: {sorted(set(ROOMS) - set(level))}')
        for room in ready:
            level[room] = max((level[below] + 1 for above, below in edges if above == room), default=0)
    return level


def without_implied(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Returns the edges that no path of other edges implies (the transitive reduction of a graph without circles)."""
    below: dict[str, set[str]] = {}
    for room in sorted(ROOMS, key=levels(edges).get):
        direct = {end for start, end in edges if start == room}
        below[room] = direct.union(*(below[each] for each in direct))
    return {
        (start, end) for start, end in edges
        if not any(end in below[other] for begin, other in edges if begin == start and other != end)
    }  # fmt: skip


def inner(room: str, root: Path = ROOT) -> list[str]:
    """Returns the folders with code inside a room."""
    return sorted(path.parent.name for path in (root / room).glob('*/__init__.py'))


def drawn(path: Path = PICTURE) -> set[tuple[str, str]]:
    """Returns all imports that the picture was drawn from, those without an arrow included."""
    return set(re.findall(r'(\w+)-&gt;(\w+)', path.read_text()))


def draw(path: Path = PICTURE) -> None:
    """Writes the picture as SVG, the same bytes for the same imports."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    matplotlib.rcParams.update({'svg.hashsalt': 'architecture', 'font.family': 'DejaVu Sans'})
    edges = imports()
    level = levels(edges)
    step, half = 1.42, 0.46  # from level to level; half of a box's height
    figure = Figure((12, 1.25 * max(level.values()) + 1.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 12), ylim=(-0.75, max(level.values()) * step + 0.55))
    axes.axis('off')
    figure.patch.set_facecolor('white')
    for above, below in sorted(without_implied(edges)):
        start, end = ROOMS[above], ROOMS[below]
        left = max(room.x - room.width / 2 + 0.3 for room in (start, end))
        right = min(room.x + room.width / 2 - 0.3 for room in (start, end))
        x = min(max((left + right) / 2, left), right)  # straight down, from the middle of where both boxes are
        axes.add_patch(FancyArrowPatch(
            (x, level[above] * step - half), (x, level[below] * step + half), arrowstyle='-|>', mutation_scale=14,
            linewidth=1.8, shrinkA=0, shrinkB=1, color=start.color, zorder=1,
        ))  # fmt: skip
    for name, room in ROOMS.items():
        y, chips = level[name] * step, [] if name in FILES else inner(name)
        axes.add_patch(FancyBboxPatch(
            (room.x - room.width / 2, y - half), room.width, 2 * half, boxstyle='round,pad=0,rounding_size=0.12',
            facecolor=room.color, linewidth=0, zorder=2,
        ))  # fmt: skip
        title = f'{name}.py' if name in FILES else f'{name}/'
        above = 0.24 if chips else 0.14
        write = {'ha': 'center', 'va': 'center', 'color': 'white', 'zorder': 4}
        axes.text(room.x, y + above, title, size=13, weight='bold', **write)
        axes.text(room.x, y + above - 0.31, room.text, size=9, **write)
        if chips:
            axes.text(room.x, y - 0.3, '   '.join(f'{chip}/' for chip in chips), size=9, style='italic', **write)
    note = 'An arrow leads from a room to one that it imports; imports that follow from other arrows have none.'
    axes.text(6, -0.62, note, size=8.5, ha='center', va='center', color='#5f6873')
    text = ' '.join(f'{above}->{below}' for above, below in sorted(edges))
    figure.savefig(path, metadata={'Date': None, 'Title': 'Which room imports which', 'Description': text})


if __name__ == '__main__':
    draw()
    print(PICTURE)
