"""What the README tells people to do, done."""

import re
from pathlib import Path

from typer.main import get_command

from carousel.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_python_example_prints_what_it_says(capsys):
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    promised = re.findall(r"# (\d+ codes compared.*)", code)[0]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == promised + "\n"


def test_every_command_is_named_and_no_other():
    named = set(re.findall(r"^    carousel (\w+) ", README, flags=re.MULTILINE))
    assert named == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_every_file_that_is_named_exists():
    links = re.findall(r"\]\(([^)]+)\)", README)
    named = re.findall(r"`([\w/]+/(?:[\w.]+)?)`", README)
    assert links
    assert named
    for path in (*links, *named):
        assert (ROOT / path).exists(), path
