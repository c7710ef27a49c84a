"""What the program imports before it does anything, and that it lists its commands rightly."""

import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import carousel
from carousel.cli.group import docstring
from carousel.main import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "amaranth", "matplotlib", "numba", "scipy", "cocotb", "onnx", "h5py"}
OURS = {"golden", "fixedpoint", "rtl", "sim"}
SCRIPT = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from carousel.main import app
app(sys.argv[1:])
"""


def modules(*words: str) -> set[str]:
    """What a call of the program has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


def loaded(*words: str) -> set[str]:
    """The packages of that."""
    return {name.split(".")[0] for name in modules(*words)}


def test_help_needs_no_package_behind_a_command():
    assert not loaded("--help") & (HEAVY | OURS)


def test_a_model_is_inspected_without_gateware(tmp_path):
    """The plan of a core is plain Python; NumPy holds the numbers, and Matplotlib comes for a
    drawing alone."""
    model, picture = "models/temporal_order_held.npz", str(tmp_path / "core.svg")
    found = modules("inspect", model)
    packages = {name.split(".")[0] for name in found}
    assert packages & (HEAVY | OURS) == {"numpy", "golden", "fixedpoint", "rtl"}
    assert "golden.experiments" not in found
    assert loaded("inspect", model, "--draw", picture) & HEAVY == {"numpy", "matplotlib"}


def test_what_runs_inside_a_simulator_imports_little():
    """Every simulation waits for it."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, sim.testbench; print(*sys.modules)"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(done.stdout.split())
    ours = {name for name in found if name.split(".")[0] in OURS}
    inside = {f"sim.{name}" for name in ("errors", "job", "pins", "recorder", "testbench")}
    assert ours == {"golden", "golden.errors", "golden.files", "golden.lazy", "sim"} | inside
    assert "numpy.random" not in found


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_says_what_the_command_says(command):
    """The list reads docstrings from sources, without importing them."""
    function = getattr(import_module(COMMANDS[command]), command)
    assert docstring(COMMANDS[command], command) == inspect.getdoc(function)


def test_the_list_has_every_command_in_order(cli):
    listed = cli("--help").stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(line.endswith((".", "...")) for line in listed)


def test_the_version_is_said():
    done = subprocess.run(
        [sys.executable, "-m", "carousel", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"carousel {carousel.__version__}\n")


@pytest.mark.parametrize("form", ["rtl/__init__.py", "rtl.py"])
def test_a_foreign_package_of_the_same_name_is_noticed(tmp_path, form):
    """It would be imported first; with ours in the same place nothing is said."""
    script = "from carousel.main import main; main()"
    (tmp_path / form).parent.mkdir(exist_ok=True)
    (tmp_path / form).write_text("raise SystemError")
    for path, status in (f"{tmp_path}{os.pathsep}{ROOT}", 2), (str(ROOT), 0):
        done = subprocess.run(
            [sys.executable, "-c", script, "--version"],
            cwd=tmp_path.parent,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        if status:
            place = tmp_path / form.removesuffix("/__init__.py")
            assert done.stderr == (
                f"carousel: the package `rtl` is {place}, must be {ROOT / 'rtl'}: mend PYTHONPATH\n"
            )
