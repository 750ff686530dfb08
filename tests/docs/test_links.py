"""What the pages say of the project is so: links, paths, cited papers, the order of the config's layers."""

import re

import pytest
import yaml

from docs import update_bibliography
from Support.Files import PROJECT

PAGES = [
    *sorted(PROJECT.glob('*.md')),
    *(PROJECT / folder / 'README.md' for folder in ('benchmarks', 'results')),
    *sorted((PROJECT / 'docs').rglob('*.md')),
]
FOLDERS = 'Agents|Blocks|Datasets|Hyperparams|Logging|Runs|Support|benchmarks|docs|results|tests'
WRITTEN = re.compile(r'Datasets/(ReplayBuffer|Data|Prepared)\b|[Mm]ellow')  # by runs; by the reader of docs/adding.md


def name(page):
    return str(page.relative_to(PROJECT))


def prose(page):
    """The text without its blocks of code."""
    return re.sub(r'```.*?```', '', page.read_text(), flags=re.DOTALL)


def headings(page):
    """The anchors of a page, as GitHub and mkdocs make them."""
    for title in re.findall(r'^#+ (.*)$', prose(page), re.MULTILINE):
        text = re.sub(r'\]\([^)]*\)', '', title)
        yield re.sub(r'[^\w\- ]', '', text).strip().lower().replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in re.findall(r'\]\(([^)\s]+)\)', prose(page)):
        if link.startswith(('http:', 'https:')):
            continue
        path, _, anchor = link.partition('#')
        target = (page.parent / path.replace('\\', '')) if path else page
        assert target.exists(), f'{name(page)} links to {link}'
        assert not anchor or anchor in headings(target), f'{name(page)} links to {link}: no such heading'


@pytest.mark.parametrize('page', [page for page in PAGES if page.name != 'CHANGELOG.md'], ids=name)  # it names the past
def test_paths_of_the_project_exist(page):
    """Paths in backticks, and scripts that commands run."""
    quoted = re.findall(rf'`((?:{FOLDERS})/[\w./-]*)`', page.read_text())
    for path in [*quoted, *re.findall(r'\b(?:benchmarks|docs|tests)/[\w/]+\.py\b', page.read_text())]:
        assert WRITTEN.search(path) or (PROJECT / path).exists(), f'{name(page)} names {path}'


def test_every_cited_paper_is_in_the_bibliography():
    missing = set(update_bibliography.cited()) - update_bibliography.listed()
    assert not missing, 'add a row to docs/bibliography.md, then: python docs/update_bibliography.py'


def test_the_layers_of_the_config_stand_in_their_order():
    """docs/command_line.md lists them from the strongest; the defaults of args.yaml, from the weakest."""
    table = re.findall(r'^\| `?([\w ]+)`? \|', (PROJECT / 'docs/command_line.md').read_text(), re.MULTILINE)
    defaults = yaml.safe_load((PROJECT / 'Hyperparams/args.yaml').read_text())['defaults']
    groups = [key.removeprefix('optional ') for entry in defaults if isinstance(entry, dict) for key in entry]
    layers = [group for group in groups if not group.startswith('override ')]
    assert table[table.index('command line') :][: len(layers) + 2] == ['command line', *layers[::-1], 'all keys']
