"""Draws docs/architecture.svg from the imports of the tree: python docs/draw_architecture.py

A box is a room: a folder or a file of the top level. A room stands above all rooms that it imports, so every arrow
points down. Imports that follow from other arrows have none.
`tests/docs/test_architecture.py` fails when the picture's arrows differ from the imports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / 'docs' / 'architecture.svg'


class Room(NamedTuple):
    """How the picture shows a room."""

    text: str  # one line: what is in it
    level: int  # from the lowest, 0; rooms import only from lower levels
    x: float  # of the box's middle, 0 to 12
    width: float
    color: str


ROOMS = {
    'Run': Room('entry point: the loop of acting, learning, evaluating', 6, 6, 4.6, '#31456a'),
    'Runs': Room('builds the parts of a run; reproduces; finds a learning rate', 5, 6, 4.6, '#31456a'),
    'Logging': Room('logs, checkpoints, evaluation, plots', 4, 4, 4.6, '#6d4a86'),
    'Agents': Room('the update, written once; agents and their losses', 3, 4, 4.6, '#a9503a'),
    'Environment': Room('rollouts and evaluations', 3, 9.5, 3.6, '#2c7469'),
    'Datasets': Room('where experience comes from', 2, 7.75, 4.2, '#2c7469'),
    'Blocks': Room('networks and distributions', 1, 2.6, 3.8, '#a87722'),
    'Hyperparams': Room('command line and YAML', 1, 7.75, 4.2, '#56763a'),
    'Support': Room('errors, files, classes by name, schedules, random state, machine', 0, 6, 10.6, '#5f6873'),
}
FILES = ('Run', 'Environment')  # rooms that are one file


def imports(root: Path = ROOT) -> set[tuple[str, str]]:
    """Returns (importing room, imported room) for all imports that run, those inside functions included."""
    found = set()
    for room in ROOMS:
        for path in [root / f'{room}.py'] if room in FILES else sorted((root / room).rglob('*.py')):
            for node in running(ast.parse(path.read_text())):
                found |= {(room, name.split('.')[0]) for name in modules(node)}
    return {(above, below) for above, below in found if above != below and below in ROOMS}


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Walks through a tree, except what stands under `if TYPE_CHECKING:`."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) == 'TYPE_CHECKING':
        children = iter(node.orelse)
    for child in children:
        yield from running(child)


def modules(node: ast.AST) -> list[str]:
    """Returns the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def upward(edges: set[tuple[str, str]]) -> list[str]:
    """Returns the imports that do not lead to a lower level, as sentences. Without any, there is no circle either."""
    wrong = [edge for edge in sorted(edges) if ROOMS[edge[0]].level <= ROOMS[edge[1]].level]
    return [f'{above} imports {below}' for above, below in wrong]


def without_implied(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Returns the edges that no path of other edges implies (the transitive reduction of a graph without circles)."""
    below: dict[str, set[str]] = {}
    for room in sorted(ROOMS, key=lambda name: ROOMS[name].level):
        direct = {end for start, end in edges if start == room}
        below[room] = direct.union(*(below[each] for each in direct))
    return {
        (start, end) for start, end in edges
        if not any(end in below[other] for begin, other in edges if begin == start and other != end)
    }  # fmt: skip


def place(above: Room, below: Room) -> float:
    """Returns the x of a vertical arrow from box to box, near the middle and off the boxes between them."""
    left = max(room.x - room.width / 2 + 0.25 for room in (above, below))
    right = min(room.x + room.width / 2 - 0.25 for room in (above, below))
    middle, between = (left + right) / 2, [room for room in ROOMS.values() if below.level < room.level < above.level]
    choices = [left + (right - left) * step / 100 for step in range(101)]
    free = [x for x in choices if all(abs(x - room.x) > room.width / 2 + 0.3 for room in between)]
    return min(free or choices, key=lambda x: abs(x - middle))


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
    edges, top = imports(), max(room.level for room in ROOMS.values())
    step, half = 1.42, 0.46  # from level to level; half of a box's height
    figure = Figure((12, 1.25 * top + 1.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 12), ylim=(-0.75, top * step + 0.55))
    axes.axis('off')
    figure.patch.set_facecolor('white')
    for above, below in sorted(without_implied(edges)):
        start, end = ROOMS[above], ROOMS[below]
        x = place(start, end)
        axes.add_patch(FancyArrowPatch(
            (x, start.level * step - half), (x, end.level * step + half), arrowstyle='-|>', mutation_scale=14,
            linewidth=1.8, shrinkA=0, shrinkB=1, color=start.color, zorder=1,
        ))  # fmt: skip
    for name, room in ROOMS.items():
        y, chips = room.level * step, [] if name in FILES else inner(name)
        axes.add_patch(FancyBboxPatch(
            (room.x - room.width / 2, y - half), room.width, 2 * half, boxstyle='round,pad=0,rounding_size=0.12',
            facecolor=room.color, linewidth=0, zorder=2,
        ))  # fmt: skip
        title = f'{name}.py' if name in FILES else f'{name}/'
        title_y = y + (0.24 if chips else 0.14)
        write: dict[str, Any] = {'ha': 'center', 'va': 'center', 'color': 'white', 'zorder': 4}
        axes.text(room.x, title_y, title, size=13, weight='bold', **write)
        axes.text(room.x, title_y - 0.31, room.text, size=9, **write)
        if chips:
            axes.text(room.x, y - 0.3, '   '.join(f'{chip}/' for chip in chips), size=9, style='italic', **write)
    note = 'An arrow leads from a room to one that it imports; imports that follow from other arrows have none.'
    axes.text(6, -0.62, note, size=8.5, ha='center', va='center', color='#5f6873')
    text = ' '.join(f'{above}->{below}' for above, below in sorted(edges))
    figure.savefig(path, metadata={'Date': None, 'Title': 'Which room imports which', 'Description': text})


if __name__ == '__main__':
    draw()
    print(PICTURE)
