"""The site of `make docs`: every page and module without a warning, no link that leads nowhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHAT = ("docs", "tools", "mkdocs.yml", "README.md", "golden")


@pytest.fixture
def copy(tmp_path):
    """The files that the site is made of, with one package of the five."""
    for name in WHAT:
        whole = (ROOT / name).is_dir()
        (shutil.copytree if whole else shutil.copy)(ROOT / name, tmp_path / name)
    return tmp_path


def built(root, place):
    told = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(place)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(told, cwd=root, env=quiet, capture_output=True, text=True)


@pytest.mark.soak
def test_the_site_is_made_without_a_warning(tmp_path):
    done = built(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    pages = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html")}
    assert {"index.html", "readme/index.html", "hold/index.html", "page.html"} <= pages
    assert "modules/rtl.core/index.html" in pages
    cell = (tmp_path / "modules" / "golden.cell" / "index.html").read_text(encoding="utf-8")
    assert "LayerState" in cell and "the constant error carousel" in cell


@pytest.mark.soak
@pytest.mark.parametrize(
    ("page", "text"), [("hold.md", "[x](nowhere.md)"), ("cell.md", "[x](../golden/nothing.py)")]
)
def test_a_dead_link_is_found(copy, page, text):
    with (copy / "docs" / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    done = built(copy, copy / "site")
    assert done.returncode != 0 and page in done.stderr
