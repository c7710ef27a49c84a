"""`carousel compare`: every number of its tables, by plain calculation from the two runs."""

import json
from pathlib import Path

import numpy as np
import pytest

import fixedpoint
import golden
from carousel.measure import accuracy
from carousel.measure.accuracy import SPANS
from fixedpoint.budget.error import BlockError
from tests.carousel import nets

COUNT, STEPS = 3, 40
SIZE = STEPS // SPANS  # steps of a span


def saved(path: Path, x: np.ndarray) -> Path:
    np.save(path, x)
    return path


class Ran:
    """One call of `compare` on a network of a kind, and both runs by themselves."""

    def __init__(self, cli, folder: Path, name: str, *words):
        self.net, x = nets.every()[name], nets.sequences(COUNT, STEPS)
        self.model, self.input = folder / "m.npz", saved(folder / "x.npy", x)
        golden.save(self.net, self.model)
        result = cli(
            "compare", self.model, "--input", self.input, "--json", folder / "c.json", *words
        )
        self.status, self.lines = result.exit_code, result.stdout.splitlines()
        self.data = json.loads((folder / "c.json").read_text())
        qnet = fixedpoint.quantize(self.net, bits=16, calibrate=x)
        self.floating = dict(self.net.run(x).signals())
        self.fixed = dict(qnet.run(qnet.encode(x)[0]).real().signals())

    def table(self, title: str) -> list[list[str]]:
        """The rows of the table of that title, cut at two spaces or more."""
        start = next(k for k, line in enumerate(self.lines) if line.strip() == title)
        rows = []
        for line in self.lines[start + 1 :]:
            cells = [cell.strip() for cell in line.strip().split("  ") if cell.strip()]
            if not cells and len(rows) > 2:
                break
            rows += [cells] if cells else []
        assert len(rows) > 2, title
        return rows

    def first(self, name: str) -> int:
        """The step of a signal's first value."""
        return STEPS - self.floating[name].shape[1]


@pytest.mark.parametrize("name", [*nets.FORWARD, *nets.REVERSE])
def test_the_worst_place_of_every_signal_is_named_with_both_values(cli, tmp_path, name):
    ran = Ran(cli, tmp_path, name)
    assert ran.status == 0
    head, _, *rows = ran.table("Where fixed point is farthest from float")
    assert head == ["signal", "at sequence, step, unit", "float", "fixed point", "difference"]
    assert [row[0] for row in rows] == list(ran.floating) == list(ran.data["errors"])
    for signal, place, *values in rows:
        real, fixed = ran.floating[signal], ran.fixed[signal]
        n, t, k = map(int, place.split(", "))
        at = n, t - ran.first(signal), k
        assert abs(fixed[at] - real[at]) == np.abs(fixed - real).max()
        wanted = [f"{real[at]:.6g}", f"{fixed[at]:.6g}", f"{abs(fixed[at] - real[at]):.3g}"]
        assert values == wanted
        told = ran.data["errors"][signal]
        assert (told["worst"], told["worst_real"], told["worst_fixed"]) == (
            [n, t, k],
            real[at],
            fixed[at],
        )


MEASURES = {
    "RMSE": lambda part: np.sqrt((part**2).mean()),
    "Largest error": lambda part: np.abs(part).max(),
}


def spans(error: np.ndarray, measure: str) -> list[str]:
    """A column over time: e (N, T, K), whose last step is the sequence's, in spans of `SIZE`."""
    first = STEPS - error.shape[1]
    parts = (error[:, max(0, t - first) : max(0, t + SIZE - first)] for t in range(0, STEPS, SIZE))
    return [f"{MEASURES[measure](part):.3g}" if part.size else "-" for part in parts]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", ["deep", "last", "reverse", "both", "ends"])
def test_the_last_stage_is_shown_over_time(cli, tmp_path, name, measure):
    """Every span's RMSE and largest error of out, and of s and y of each of the last layers."""
    ran = Ran(cli, tmp_path, name)
    head, _, *rows = ran.table(f"{measure} of fixed point against float, over time")
    stage = {"deep": [1], "both": [2, 3], "ends": [0, 1]}.get(name, [0])
    assert head == ["steps", "out", *(f"{layer}.{s}" for layer in stage for s in ("s", "y"))]
    steps, *columns = zip(*rows, strict=True)
    assert list(steps) == [f"{t} to {t + SIZE - 1}" for t in range(0, STEPS, SIZE)]
    for signal, column in zip(head[1:], columns, strict=True):
        assert list(column) == spans(ran.fixed[signal] - ran.floating[signal], measure)


def test_growth_is_seen():
    """An error that grows with the steps grows down the table; a short last span is said so."""
    blocks = tuple(BlockError(t, 1, float(t), 2.0 * t) for t in range(17))
    rmse, largest = accuracy.over_time("t", {"out": blocks})
    assert [row[0] for row in rmse.rows] == [
        *(f"{t} to {t + 2}" for t in range(0, 15, 3)),
        "15 to 16",
    ]
    assert [row[1] for row in largest.rows] == ["4", "10", "16", "22", "28", "32"]
    assert [row[1] for row in rmse.rows][:2] == [f"{(5 / 3) ** 0.5:.3g}", f"{(50 / 3) ** 0.5:.3g}"]
    assert accuracy.over_time("t", {"out": blocks[:1]})[0].rows == (("0", "0"),)


def expected(
    folder: Path, name: str, shape: tuple[int, ...] | None = None
) -> tuple[Path, np.ndarray]:
    """What the float network gives, as a file."""
    out = nets.every()[name].run(nets.sequences(COUNT, STEPS)).out
    return saved(folder / "y.npy", out if shape is None else out.reshape(shape)), out


@pytest.mark.parametrize("name", ["last", "ends"])
@pytest.mark.parametrize("shape", [(COUNT, 2), (COUNT, 1, 2)])
def test_an_output_at_the_end_is_compared_there(cli, tmp_path, name, shape):
    y, out = expected(tmp_path, name, shape)
    ran = Ran(cli, tmp_path, name, "--expect", y)
    assert ran.status == 0
    found = ran.data["expectation"]["fixed_point"]
    off = np.abs(ran.fixed["out"] - out)
    n, t, k = found["worst"]
    assert t == STEPS - 1 and found["max_abs"] == off[n, 0, k] == off.max()
    assert not any("over time" in line and "expectation" in line for line in ran.lines)


@pytest.mark.parametrize("name", ["last", "ends"])
def test_an_expectation_of_every_step_is_refused_where_there_is_one_output(
    refused, cli, tmp_path, name
):
    ran = Ran(cli, tmp_path, name)
    y = saved(tmp_path / "y.npy", np.zeros((COUNT, STEPS, 2)))
    line = refused("compare", ran.model, "--input", ran.input, "--expect", y)
    assert f"shape {(COUNT, STEPS, 2)}, must be {(COUNT, 2)} or {(COUNT, 1, 2)}, " in line
    assert line.endswith("because the network gives one output at the end of a sequence")


@pytest.mark.parametrize("name", ["deep", "both"])
def test_an_expectation_is_compared_over_time(cli, tmp_path, name):
    """Both views' spans against the expectation, here float moved by 0.5 in one step."""
    y, out = expected(tmp_path, name)
    out[1, 22, 1] += 0.5
    np.save(y, out)
    ran = Ran(cli, tmp_path, name, "--expect", y)
    assert ran.status == 1
    for measure in MEASURES:
        head, _, *rows = ran.table(f"{measure} of both against the expectation, over time")
        assert head == ["steps", "fixed point", "float"]
        columns = list(zip(*rows, strict=True))[1:]
        for view, column in zip((ran.fixed["out"], ran.floating["out"]), columns, strict=True):
            assert list(column) == spans(view - out, measure)
    assert ran.data["expectation"]["float"]["worst"] == [1, 22, 1]
    assert [b["step"] for b in ran.data["expectation"]["float"]["over_time"]] == list(range(STEPS))
