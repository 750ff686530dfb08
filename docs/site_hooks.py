"""Hooks of mkdocs.yml: one site from pages and source files of the whole project, with the links that GitHub follows.

Pages outside docs/ (README.md, benchmarks/README.md, ...) join the site under their own path. A link to a source
file leads to a page that shows it, below source/; a link to a folder, to a list of its files; pictures are copied.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = (
    'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'benchmarks/README.md', 'results/README.md',
    'results/Speed/AVX512_bf16/table.md', 'results/Speed/AVX2/table.md', 'results/GPU/table.md',
)  # fmt: skip
LINK = re.compile(r'(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))')
CODE = re.compile(r'(```.*?```|`[^`\n]+`)', re.DOTALL)
LANGUAGES = {'.py': 'python', '.yaml': 'yaml', '.yml': 'yaml', '.toml': 'toml', '.csv': 'text'}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages outside docs/, and what any page links to."""
    from mkdocs.structure.files import File

    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    added = {file.src_uri for file in files}
    for page in [file for file in files if file.is_documentation_page()]:
        for _, link, _ in LINK.findall(without_code(page.content_string)):
            target = resolve(page.src_uri, link)
            place = uri(target)
            if place in added or not (ROOT / target).exists():
                continue  # mkdocs itself warns of what is missing
            added.add(place)
            if place.startswith('source/'):
                files.append(File.generated(config, place, content=shown(target)))
            else:
                files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns the page's links, which are relative paths of the project, into those of the site."""
    here = page.file.src_uri
    if here.startswith('source/'):
        return markdown

    def turn(match: re.Match[str]) -> str:
        path = os.path.relpath(uri(resolve(here, match[2])), os.path.dirname(here) or '.')
        return f'{match[1]}{path}{match[3]}'

    parts = CODE.split(markdown)  # code at odd places
    return ''.join(part if index % 2 else LINK.sub(turn, part) for index, part in enumerate(parts))


def without_code(text: str) -> str:
    """Returns a page's text without code, in which brackets are no links."""
    return CODE.sub('', text)


def resolve(here: str, link: str) -> str:
    """Returns the path in the project that a page's link leads to."""
    folder = os.path.dirname(here if here in OUTSIDE else f'docs/{here}')
    return os.path.normpath(os.path.join(folder, link.replace('\\', '')))


def uri(target: str) -> str:
    """Returns where a path of the project is in the site."""
    if (ROOT / target / 'README.md').exists():
        target += '/README.md'
    if target in OUTSIDE:
        return target
    if target.startswith('docs/') and not target.endswith('.py'):
        return target.removeprefix('docs/')
    if target.endswith(('.png', '.svg', '.gif', '.jpg')):
        return target
    return f'source/{target}.md'


def shown(target: str) -> str:
    """Returns a page with the text of a source file, or with the names in a folder."""
    path = ROOT / target
    head = f'---\nsearch: {{exclude: true}}\nhide: [navigation, toc]\n---\n\n# {target}\n\n'
    if path.is_dir():
        return head + '\n'.join(f'- `{each.name}`' for each in sorted(path.iterdir()) if each.name[0] not in '._')
    return f'{head}````{LANGUAGES.get(path.suffix, "text")}\n{path.read_text()}````\n'
