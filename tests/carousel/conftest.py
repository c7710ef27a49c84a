"""A command line to call, small models to call it with, and a simulator that answers at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from typer.testing import CliRunner

import golden
import sim
from carousel.main import app
from carousel.measure.retention import lags, maps, rest
from golden import Dense, Layer, Network
from rtl import CorePlan, verilog
from sim import HardwareTrace
from tests.rtl.support import planned

Cli = Callable[..., Any]
WRITTEN: dict[Any, dict[str, str]] = {}


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a report says of the hold goes over two short lags and one other width, and what it says
    of constant input over a fifth of the steps."""
    monkeypatch.setattr(lags, "DECADES", (10, 100))
    monkeypatch.setattr(maps, "WIDTHS", (12,))
    monkeypatch.setattr(rest, "quiet", partial(rest.quiet, steps=rest.STEPS // 5))


@pytest.fixture(autouse=True)
def written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a core are made once for all commands that plan the same one. That they come out
    the same each time, `rtl.verilog` has a test of."""
    texts = verilog.texts

    def known(plan: CorePlan, *, axi: bool = False) -> dict[str, str]:
        key = plan.qnet.name, plan.qnet.digest(), plan.options, axi
        if key not in WRITTEN:
            WRITTEN[key] = texts(plan, axi=axi)
        return dict(WRITTEN[key])

    monkeypatch.setattr(verilog, "texts", known)


@pytest.fixture
def drawn() -> None:
    """For a test that looks at figures: they are drawn."""


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are put together and not drawn, which takes longest, unless a test asks for that."""
    if "drawn" not in request.fixturenames:
        empty = "<svg ></svg>"
        monkeypatch.setattr(FigureCanvasSVG, "print_svg", lambda _, file, **__: file.write(empty))


@pytest.fixture
def cli() -> Cli:
    """Call a command; the result has exit_code, stdout and stderr."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def refused(cli: Cli) -> Callable[..., str]:
    """Call a command that must end with status 2 and one line, and return the line."""

    def call(*words: Any) -> str:
        result = cli(*words)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("carousel: ")
        return lines[0]

    return call


def network(name: str = "temporal-order", seed: int = 3) -> Network:
    """A random network for the temporal-order task: 8 inputs, 2 blocks of 1 cell, 4 outputs."""
    rng = np.random.default_rng(seed)
    kinds = ("i", "o", "g")
    weights = {kind: rng.uniform(-1, 1, (2, 10)) for kind in kinds}
    biases = {kind: rng.uniform(-1, 1, 2) for kind in kinds}
    head = (Dense(rng.uniform(-1, 1, (4, 2)), rng.uniform(-1, 1, 4), "sigma"),)
    return Network((Layer(weights, biases),), head, name)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "model.npz"
    golden.save(network(), path)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An output folder that does not exist yet."""
    return tmp_path / "place"


@pytest.fixture
def quick_sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """`sim.simulate` answers from the integer model; what is put into the dictionary it does wrong.

    code : flips the lowest bit of the last output.  cycles : more cycles a step than predicted.
    """
    faults: dict[str, Any] = {}

    def simulate(
        network: Any,
        codes: np.ndarray,
        lanes: int | None = None,
        state: Any = None,
        **_: Any,
    ) -> HardwareTrace:
        core = network if isinstance(network, CorePlan) else planned(network, lanes)
        trace = core.qnet.run(codes, state)
        pace = core.cycles_per_step + faults.get("cycles", 0)
        out, counts = trace.out.copy(), dict[str, int]()
        out.flat[-1] ^= int(faults.get("code", False))
        for name, count in trace.saturations.items():
            kind = name.rpartition(".")[2]
            counts[kind] = counts.get(kind, 0) + count
        ends = np.arange(codes[..., 0].size).reshape(codes.shape[:-1]) * pace
        waits = {"idle": 0, "input": 0, "output": 0}
        last = int(ends.max()) + 1
        found = HardwareTrace(
            trace.layers, out, trace.state, counts, {}, (), ends, last, 50, waits, 99, 1.0
        )
        return replace(found, faults=("a beat too many",) if faults.get("fault") else ())

    monkeypatch.setattr(sim, "simulate", simulate)
    yield faults
