"""What the README and the pages tell people to do, done."""

import ast
import re
import shlex
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from carousel.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "models" / "README.md"])
STAND_INS = {"NAME...": "6a", "NAME": "6a", "RECIPE": "adding", "...": ""}
SAMPLE = ROOT / "tests" / "data" / "pytorch_plain.safetensors"


def section(title: str) -> str:
    """The text under a heading."""
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def lines(text: str) -> list[list[str]]:
    """The words of every call of `carousel` that a text shows in lines of their own, but for
    comments."""
    found = re.findall(r"^    (?:\.venv/bin/)?(carousel .*?)(?: +#.*)?$", text, flags=re.MULTILINE)
    return [shlex.split(line)[1:] for line in found]


def test_the_python_example_prints_what_it_says(capsys):
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    promised = re.findall(r"# (\d+ codes compared.*)", code)[0]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == promised + "\n"


def test_every_command_is_named_and_no_other():
    named = set(re.findall(r"^    carousel (\w+) ", README, flags=re.MULTILINE))
    assert named == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_a_model_in_five_minutes(cli, quick_sim, tmp_path, monkeypatch):
    """The lines for a model of PyTorch, with a sample's weights, input and output for the files
    that the code before them writes."""
    code = section("Your model in five minutes").split("\n\n    import")[1].split("\n\nHere")[0]
    saved = re.findall(r'(?:"(\w+\.(?:safetensors|npy))")', "import" + code)
    assert saved == ["model.safetensors", "x.npy", "y.npy"]
    ast.parse(textwrap.dedent("    import" + code))
    with np.load(SAMPLE.with_suffix(".npz")) as archive:
        np.save(tmp_path / "x.npy", archive["input"])
        np.save(tmp_path / "y.npy", archive["output"])
    shutil.copy(SAMPLE, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    calls = lines(section("Your model in five minutes"))
    assert [words[0] for words in calls] == ["inspect", "compare", "run"]
    for words in calls:
        found = cli(*words, *(["--quick"] if words[0] == "run" else []))
        assert found.exit_code == 0, found.output
    assert {"carousel_model.v", "report.html"} <= {
        path.name for path in Path("out/model").iterdir()
    }


def test_a_sequence_in_pieces(cli, quick_sim, tmp_path, monkeypatch):
    """The lines that carry a state on, with a shipped model."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "models" / "adding.npz", "MODEL.npz")
    x = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    for name, part in (("x", x), ("early", x[:8]), ("late", x[8:])):
        np.save(f"{name}.npy", part)
    calls = lines((ROOT / "docs" / "commands.md").read_text().split("\n## ")[1])
    assert [words[0] for words in calls] == ["quantize", "simulate", "simulate"]
    for words in calls:
        found = cli(*(word.replace("MODEL", "MODEL.npz") for word in words))
        assert found.exit_code == 0, found.output
    assert Path("state.npz").is_file()


def test_every_file_that_is_named_exists():
    """Folders and files in the README's text."""
    named = re.findall(r"`([\w/]+/(?:[\w.]+)?)`", README)
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """Files beside the page, and headings in them."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert "://" in link or target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE)
            assert heading in {
                re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in titles
            }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_parses(page):
    """Commands and options that there are, with as many arguments as there must be."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for name, *words in lines(page.read_text()):
        given = [STAND_INS.get(word, word) for word in words]
        commands[name].make_context(name, [word for word in given if word])


def test_a_command_line_that_does_not_parse_is_noticed():
    (words,) = lines("\n    carousel simulate MODEL --lnes 8   # a comment\n")
    simulate = get_command(app).commands["simulate"]  # type: ignore[attr-defined]
    with pytest.raises(TyperException, match="--lnes"):
        simulate.make_context("simulate", words[1:])


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "index.md").read_text()
    linked = {ROOT / "docs" / link for link in re.findall(r"\]\(([\w.]+\.md)\)", index)}
    assert linked == {*(ROOT / "docs").glob("*.md")} - {ROOT / "docs" / "index.md"}


def test_the_readme_is_short():
    assert len(README.split()) < 1400
