"""The documentation builds as a site, without a warning and without the network."""

import re
import subprocess
import sys

import pytest

from Support.Files import PROJECT


def test_the_site_builds_strictly_and_fetches_nothing(tmp_path):
    pytest.importorskip('mkdocs')
    pytest.importorskip('material')
    words = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--quiet', '--site-dir', str(tmp_path / 'site')]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in (tmp_path / 'site').rglob('*.html'):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert not fetched, f'{page.name} fetches {fetched}'
