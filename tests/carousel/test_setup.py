"""Setting up: what is missing is said in one line with status 2, and nothing half-made stays."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("sh", "make", "perl", "c++")
USED = ("rm", "find", "touch", "cat", "dirname")


def program(folder: Path, name: str, text: str) -> Path:
    """A program of a few lines of shell."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with all that is needed, to be the only one on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (*NEEDED, *USED):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    (folder / "python3").symlink_to(sys.executable)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What setting up needs of the project, in a folder of its own."""
    return copy(tmp_path / "clone")


def copy(folder: Path) -> Path:
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


def call(folder: Path, tools: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**clean, "PATH": str(tools)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def check(folder: Path, tools: Path, python: str = "python3") -> subprocess.CompletedProcess[str]:
    return call(folder, tools, "sh", "tools/check_setup.sh", python)


def test_a_system_with_everything_passes_in_silence(clone, tools):
    done = check(clone, tools)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("tool", "words"), [("c++", "C++ compiler"), ("make", "GNU make"), ("perl", "perl")]
)
def test_a_missing_tool_is_named(clone, tools, tool, words):
    (tools / tool).unlink()
    done = check(clone, tools)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert words in done.stdout


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.9", "3.10"])
def test_an_old_python_is_named_with_its_version(clone, tools, version):
    program(tools, "old", f"echo {version}")
    done = check(clone, tools, "old")
    assert done.returncode == 2
    assert f"'old' is Python {version}" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.14", "4.0"])
def test_a_new_python_is_taken(clone, tools, version):
    program(tools, "new", f"echo {version}")
    assert check(clone, tools, "new").returncode == 0


def test_a_python_that_is_not_there_or_does_not_run_is_named(clone, tools):
    assert "'gone' is not there" in check(clone, tools, "gone").stdout
    program(tools, "broken", "exit 1")
    assert "'broken' does not run" in check(clone, tools, "broken").stdout


def test_a_python_without_venv_is_named(clone, tools):
    program(tools, "bare", 'case "$*" in *venv*) exit 1 ;; *) echo 3.12 ;; esac')
    assert "venv" in check(clone, tools, "bare").stdout


@pytest.mark.parametrize("name", ["with space", "tab\there", "semi;colon", "per%cent", "hash#"])
def test_a_path_that_tools_cannot_take_is_named(tmp_path, tools, name):
    done = check(copy(tmp_path / name), tools)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert name in done.stdout


@pytest.mark.parametrize("goal", ["all", "test", "lint", "soak", "bench", "fpga", "prove"])
def test_make_says_one_line_and_makes_nothing(clone, tools, goal):
    (tools / "perl").unlink()
    done = call(clone, tools, "make", goal)
    assert done.returncode == 2
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert "perl" in done.stderr
    assert not (clone / ".venv").exists()


def test_make_in_a_path_with_a_space_says_so(tmp_path, tools):
    folder = copy(tmp_path / "my project")
    done = call(folder, tools, "make")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "space" in done.stderr
    assert not (folder / ".venv").exists()


def test_make_clean_needs_nothing(clone, tools):
    (tools / "perl").unlink()
    (clone / "out").mkdir()
    assert call(clone, tools, "make", "clean").returncode == 0
    assert not (clone / "out").exists()


FAKE = """case "$*" in
*executable*) echo "$0" ;;
*-m\\ venv*) mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo made >> log ;;
*pip*) echo installed "$*" >> log; [ ! -e fail ] || exit 1 ;;
*-m\\ tools.warm*) echo compiled "$*" >> log; [ ! -e cold ] || exit 1 ;;
*) echo 3.12 ;;
esac"""


@pytest.fixture
def fake(tools: Path) -> Path:
    """A Python that only writes down what it is asked; pip fails where there is a file `fail`."""
    for name in ("mkdir", "cp"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return program(tools, "fake", FAKE)


def setup(clone: Path, tools: Path, fake: Path, step: str) -> subprocess.CompletedProcess[str]:
    return call(clone, tools, "sh", "tools/setup.sh", str(fake), step)


def test_a_failed_installation_leaves_no_venv(clone, tools, fake):
    (clone / "fail").touch()
    assert setup(clone, tools, fake, "run").returncode != 0
    assert not (clone / ".venv").exists()
    (clone / "fail").unlink()
    assert setup(clone, tools, fake, "run").returncode == 0
    assert (clone / ".venv" / "run.stamp").exists()


def test_an_interrupted_set_up_is_made_anew(clone, tools, fake):
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "rubbish").touch()
    assert setup(clone, tools, fake, "run").returncode == 0
    assert not (clone / ".venv" / "rubbish").exists()


def test_a_finished_set_up_is_extended_and_not_made_anew(clone, tools, fake):
    assert setup(clone, tools, fake, "run").returncode == 0
    assert setup(clone, tools, fake, "test").returncode == 0
    log = (clone / "log").read_text()
    assert log.count("made") == 1
    assert ".[test]" in log
    assert (clone / ".venv" / "run.stamp").exists()
    assert (clone / ".venv" / "test.stamp").exists()


def test_the_fpga_tools_come_alone_or_with_what_the_tests_need(clone, tools, fake):
    assert setup(clone, tools, fake, "fpga").returncode == 0
    stamps = {path.name for path in (clone / ".venv").glob("*.stamp")}
    assert stamps == {"run.stamp", "fpga.stamp"}
    assert ".[fpga]" in (clone / "log").read_text()
    assert setup(clone, tools, fake, "test").returncode == 0
    stamps = {path.name for path in (clone / ".venv").glob("*.stamp")}
    assert stamps == {"run.stamp", "fpga.stamp", "prove.stamp", "test.stamp"}
    assert (clone / "log").read_text().count("made") == 1


def test_other_requirements_make_it_anew(clone, tools, fake):
    assert setup(clone, tools, fake, "test").returncode == 0
    os.utime(clone / "pyproject.toml", (2e9, 2e9))
    assert setup(clone, tools, fake, "run").returncode == 0
    assert (clone / "log").read_text().count("made") == 2
    assert not (clone / ".venv" / "test.stamp").exists()


@pytest.mark.parametrize("step", ["run", "fpga", "prove", "test"])
def test_what_every_run_shares_is_compiled(clone, tools, fake, step):
    """Where that fails the set-up is one all the same."""
    (clone / "cold").touch()
    done = setup(clone, tools, fake, step)
    assert done.returncode == 0 and "the first run will" in done.stdout
    assert f"compiled -m tools.warm {step}\n" in (clone / "log").read_text()
    assert (clone / ".venv" / f"{step}.stamp").exists()


def test_what_only_pages_need_is_not_compiled(clone, tools, fake):
    assert setup(clone, tools, fake, "page").returncode == 0
    assert "compiled" not in (clone / "log").read_text()
