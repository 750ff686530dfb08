"""The structure of the program: which folder imports which, no circle, no long file, everything public annotated."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from Support.Files import PROJECT

LINES = 300
STAIRS = {  # folder (or file): what it may import beside itself; imports inside functions count, those for types do not
    'Support': '',
    'Hyperparams': 'Support',
    'Blocks': 'Support',
    'Datasets': 'Support Hyperparams',
    'Agents': 'Support Blocks Datasets',
    'Environment': 'Support Datasets',
    'Logging': 'Support Hyperparams Blocks Datasets Agents',
    'Runs': 'Support Hyperparams Blocks Datasets Agents Environment Logging',
    'Run': 'Support Hyperparams Logging Runs',
    'Utils': 'Support Hyperparams Blocks Datasets Agents Environment Logging Runs',  # which nobody imports
}


def files():
    """Source files of the program by module name; a package's name is that of its __init__.py."""
    found = {}
    for room in STAIRS:
        for file in [PROJECT / f'{room}.py'] if (PROJECT / f'{room}.py').is_file() else (PROJECT / room).rglob('*.py'):
            found['.'.join(file.relative_to(PROJECT).with_suffix('').parts).removesuffix('.__init__')] = file
    return found


FILES = files()


def running(tree):
    """Nodes of a module, but for what stands below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            continue
        yield node
        yield from running(node)


def imports(file):
    """Modules of the program that a file imports."""
    found = set()
    for node in running(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f'{file} imports relatively'
            names = [f'{node.module}.{name}' for name in names]
        for name in names:
            while name and name not in FILES:  # a name in a module
                name = name.rpartition('.')[0]
            found |= {name} if name else set()
    return found


GRAPH = {module: imports(file) - {module} for module, file in FILES.items()}


@pytest.mark.parametrize('room', STAIRS)
def test_imports_go_one_way(room):
    allowed = {room, *STAIRS[room].split()}
    wrong = [
        f'{module} imports {other}'
        for module, others in GRAPH.items()
        for other in others
        if module.split('.')[0] == room and other.split('.')[0] not in allowed
    ]
    assert not wrong


def test_no_import_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(' <- '.join(error.args[1]))


def test_stairs_go_down():
    """The table itself has no circle."""
    TopologicalSorter({room: below.split() for room, below in STAIRS.items()}).prepare()


def test_no_file_is_long():
    lengths = {str(file.relative_to(PROJECT)): len(file.read_text().splitlines()) for file in FILES.values()}
    assert not {name: length for name, length in lengths.items() if length > LINES}


def test_every_folder_of_code_is_in_the_table():
    rooms = {file.relative_to(PROJECT).parts[0].removesuffix('.py') for file in PROJECT.glob('[A-Z]*/**/*.py')}
    rooms |= {file.stem for file in PROJECT.glob('[A-Z]*.py')}
    assert rooms == set(STAIRS)


def unannotated(file):
    """Public functions and methods of a file that lack an annotation of a parameter or of what they return."""

    def visit(node, name):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef) and not child.name.startswith('_'):
                yield from visit(child, f'{name}{child.name}.')
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if child.name.startswith('_') and child.name != '__init__':
                    continue
                arguments = child.args
                every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                every += [each for each in (arguments.vararg, arguments.kwarg) if each]
                own = [each for each in every if each.arg not in ('self', 'cls')]
                if child.returns is None or any(each.annotation is None for each in own):
                    yield f'{file.relative_to(PROJECT)}: {name}{child.name}'

    return list(visit(ast.parse(file.read_text()), ''))


@pytest.mark.parametrize('room', STAIRS)
def test_everything_public_is_annotated(room):
    missing = [name for module, file in FILES.items() if module.split('.')[0] == room for name in unannotated(file)]
    assert not missing


def test_nobody_in_the_program_imports_utils():
    assert not [module for module, others in GRAPH.items() if 'Utils' in others]
