"""Keeps docs/bibliography.md in step with the code: python docs/update_bibliography.py

Rewrites the column "cited in" and names every paper that a file cites and the page lacks. Title, authors and year of a
new paper are typed by hand, as a row of the page. `tests/docs/test_links.py` fails when a citation is not on the page.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'bibliography.md'
FOLDERS = ('Agents', 'Blocks', 'Datasets', 'Hyperparams', 'Logging', 'Runs', 'Support', 'benchmarks', 'docs', 'tests')
SUFFIXES = ('.py', '.yaml', '.md')
IDS = {
    'arXiv': re.compile(r'(?<![\w.:/])(?:arXiv:|arxiv\.org/abs/|, )(\d{4}\.\d{4,5})(?!\d)'),
    'doi': re.compile(r'(?:doi:|doi\.org/)(10\.\d{4,5}/[\w./()-]*\w)'),
    'openreview': re.compile(r'openreview(?: |:|\.net/forum\?id=)([\w-]{8,12})'),
}
ADDRESSES = {
    'arXiv': 'https://arxiv.org/abs/', 'doi': 'https://doi.org/', 'openreview': 'https://openreview.net/forum?id=',
}  # fmt: skip
ROW = re.compile(r'^\| \[(?P<id>(?:arXiv|doi|openreview):\S+)\]\(\S+\) \| (?P<facts>.*) \| [^|]*\|$', re.MULTILINE)


def files(root: Path = ROOT) -> list[Path]:
    """Returns the files that may cite papers: modules, configs and pages."""
    inner = (path for folder in FOLDERS for path in (root / folder).rglob('*') if path.suffix in SUFFIXES)
    top = (path for path in root.glob('*') if path.suffix in SUFFIXES)
    return sorted(path for path in (*top, *inner) if path not in (PAGE, Path(__file__).resolve()))


def cited(root: Path = ROOT) -> dict[str, list[str]]:
    """Returns {identifier: files that cite it}, paths relative to the project."""
    found: dict[str, list[str]] = {}
    for path in files(root):
        text = path.read_text()
        for kind, pattern in IDS.items():
            for each in sorted(set(pattern.findall(text))):
                found.setdefault(f'{kind}:{each}', []).append(path.relative_to(root).as_posix())
    return found


def listed() -> set[str]:
    """Returns the identifiers that have a row on the page."""
    return {match['id'] for match in ROW.finditer(PAGE.read_text())}


def places(paths: list[str]) -> str:
    """Returns links to the modules that cite a paper; to configs, or else pages and tests, where no module does."""
    modules = [path for path in paths if path.endswith('.py') and not path.startswith(('tests', 'benchmarks'))]
    shown = modules or [path for path in paths if path.endswith('.yaml')] or paths
    return ', '.join(f'[{path}]({"../" + path})' for path in shown)


def main() -> int:
    """Rewrites the page. Returns the exit status: 1 if a cited paper has no row, else 0."""
    found = cited()

    def row(match: re.Match[str]) -> str:
        name = match['id']
        kind, each = name.split(':', 1)
        return f'| [{name}]({ADDRESSES[kind]}{each}) | {match["facts"]} | {places(found.get(name, []))} |'

    PAGE.write_text(ROW.sub(row, PAGE.read_text()))
    missing = sorted(set(found) - listed())
    for name in missing:
        print(f'{name} has no row in docs/bibliography.md; cited in {", ".join(found[name])}', file=sys.stderr)
    return int(bool(missing))


if __name__ == '__main__':
    sys.exit(main())
