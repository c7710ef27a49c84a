"""What skipping saves, for docs/measured.md: `python -m bench.bench_skip [--data DIR]`.

Of a random network of 128 cells the clocks of single steps over the share of their columns that
were active, simulated on 16 and 64 lanes. Of a classifier of handwritten digits and, with `--data`,
one of spoken digits (`bench.trained`) accuracy and clocks at some thresholds, and of a shipped
network of 1997 cells with gate recurrence: clocks are those of the schedule on the test set, and a
simulation of two sequences must equal it, and every code the integer model. The results go to a
JSON, into docs/measured.md and docs/skip.svg.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import golden
from bench import trained
from bench.pages import DOCS, write
from bench.trained import Labelled
from carousel.cli import output
from carousel.measure.skipped import Skipped, look
from carousel.report.plots import COLOURS, GREY, STYLE, WIDTH, svg
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, choose_formats, quantize
from fixedpoint.arithmetic import Codes
from fixedpoint.thresholds import with_thresholds
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from golden.tasks import TEMPORAL_ORDER
from rtl import CoreOptions, CorePlan, plan
from rtl.schedule.schedule import schedule_of
from rtl.schedule.skipping import skip_schedule_of
from sim import check, simulate

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"
BITS, LANES, MOST = 8, 16, 100  # sequences of which clocks are counted
SUBJECTS = {"digits": (32, 60), "spoken digits": (64, 16)}  # cells, epochs
THRESHOLDS = (0, 1, 2, 4, 8)
HELD, LENGTH = "temporal_order_held", 105  # the shipped network, and steps of its sequences
INPUTS, CELLS, SIZES = 40, 128, (16, 64)  # of the random network; lanes
CHANGING = (0, 0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1)  # share of x, twice


def random_network(bits: int, threshold: int) -> QuantizedNetwork:
    """40 inputs, 128 cells, 2 outputs, with a threshold of y."""
    rng, sources = np.random.default_rng(0), INPUTS + CELLS
    weights = {kind: rng.normal(size=(CELLS, sources)) / 6 for kind in "ifog"}
    biases = {kind: rng.normal(size=CELLS) / 6 for kind in "ifog"}
    head = (Dense(rng.normal(size=(2, CELLS)), np.zeros(2)),)
    net = Network((Layer(weights, biases),), head, "random")
    x = rng.uniform(-1, 1, (2, 20, INPUTS))
    return with_thresholds(quantize(net, bits=bits, calibrate=x), (0, threshold))


def some_input(qnet: QuantizedNetwork) -> Codes:
    """Input of which another share of elements changes in each step."""
    rng, form = np.random.default_rng(1), qnet.formats.input
    x, found = np.zeros(INPUTS, np.int64), []
    for share in np.repeat(CHANGING, 3):
        changes = rng.random(INPUTS) < share
        x = np.where(changes, rng.choice([form.low, form.high], INPUTS), x)
        found.append(x)
    return np.array(found)


def paces(lanes: int) -> dict[str, Any]:
    """Shares and clocks of single steps, simulated: with 8 bits and a threshold of y that keeps it
    still now and then, and with 16 bits and input that all changes, so that nearly all of y does.
    """
    least = skip_schedule_of(random_network(BITS, 3), lanes, "unchanged").least_cycles
    dense = schedule_of(random_network(BITS, 3), lanes).cycles_per_step
    found: dict[str, Any] = {"dense": dense, "least": least, "shares": [], "cycles": []}
    for qnet in (random_network(BITS, 3), random_network(2 * BITS, 0)):
        core, codes = plan(qnet, CoreOptions(lanes, skip="unchanged", probe=True)), some_input(qnet)
        if not any(qnet.thresholds):
            form, shape = qnet.formats.input, (8, INPUTS)
            codes = np.random.default_rng(2).integers(form.low, form.high, shape, endpoint=True)
        skipped = _simulated(core, codes)
        found["worst"] = core.cycles_per_step
        found["shares"] += skipped.shares[:-1].tolist()
        found["cycles"] += skipped.cycles.tolist()
    return found


def _simulated(core: CorePlan, codes: Codes) -> Skipped:
    """What is skipped in a simulation, in which every code and the clocks of each step must be
    right."""
    trace = simulate(core, codes)
    verdict, found = check(core.qnet, codes, trace), look(core, codes, trace)
    if found is None or not verdict.ok or not found.on_time:
        raise SystemExit(f"gateware, integer model and schedule differ: {verdict}")
    return found


def measure(name: str, data: Path | None) -> dict[str, Any]:
    """Accuracy, active columns and clocks, by what is skipped."""
    train, test = trained.spoken(data) if data else trained.digits()
    net = trained.train(name.split()[0], train, *SUBJECTS[name])
    return at_thresholds(net, train, test, LANES, THRESHOLDS)


def measure_held() -> dict[str, Any]:
    """The same of the shipped network, whose distractors change its input alone, on one lane."""
    rng, parts = np.random.default_rng(0), list[Labelled]()
    for _ in range(2):
        x, target = TEMPORAL_ORDER.batch(rng, MOST, LENGTH)
        parts.append(Labelled(x, np.full(MOST, LENGTH - 1), target.argmax(axis=1)))
    calibration, test = parts
    return at_thresholds(golden.load(MODELS / f"{HELD}.npz"), calibration, test, 1, (0,))


def at_thresholds(
    net: Network, train: Labelled, test: Labelled, lanes: int, thresholds: tuple[int, ...]
) -> dict[str, Any]:
    """Accuracy, active columns and clocks of a network."""
    exact = quantize(net, choose_formats(net, BITS, train.x))
    dense = schedule_of(exact, lanes).cycles_per_step
    found: dict[str, Any] = {"lanes": lanes, "dense": dense, "rows": {}}
    for skip, threshold in (("zero", 0), *(("unchanged", each) for each in thresholds)):
        qnet = with_thresholds(exact, (threshold,))
        out = qnet.run(qnet.encode(test.x)[0]).value("out")
        right = float(np.mean(test.decided(out) == test.labels))
        row = {"right": right, **clocks(qnet, test, skip, lanes)}
        found["rows"][f"{skip} {threshold}"] = row
        print(skip, threshold, row, flush=True)
    return found


def clocks(qnet: QuantizedNetwork, test: Labelled, skip: str, lanes: int) -> dict[str, Any]:
    """Of sequences one after the other: the mean share of active columns, and clocks a step."""
    core = plan(qnet, CoreOptions(lanes, skip=skip, probe=True))
    codes, shares, cycles = qnet.encode(test.x)[0], list[Any](), list[Any]()
    for one, end in zip(codes[:MOST], test.ends, strict=False):
        found = look(core, one[: end + 1], None)
        assert found is not None
        shares.append(found.shares)
        cycles.append(found.predicted)
    _simulated(core, codes[:2, : min(test.ends[:2]) + 1])
    counts = np.concatenate(cycles)
    return {
        "active": float(np.concatenate(shares).mean()),
        "mean": float(counts.mean()),
        "percentile_99": float(np.percentile(counts, 99)),
        "most": int(counts.max()),
        "worst": core.cycles_per_step,
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: clocks of the random network, then the classifiers."""
    heads = ("128 cells, lanes", "dense", "every column active", "no column active", "simulated")
    paces, rows = [], []
    for lanes, row in found["paces"].items():
        longer = 100 * (row["worst"] / row["dense"] - 1)
        told = f"{min(row['cycles']):,} to {max(row['cycles']):,}"
        worst = f"{row['worst']:,} ({longer:+.2f} %)"
        shares = f"{100 * min(row['shares']):.1f} to {100 * max(row['shares']):.1f} %"
        paces.append((lanes, f"{row['dense']:,}", worst, f"{row['least']:,}", told, shares))
    clocks = Table.of("", (*heads, "at"), paces).markdown()
    heads = (
        "network",
        "lanes",
        "skips",
        "threshold",
        "right",
        "active columns",
        "cycles a step: mean",
    )
    heads += ("99th percentile", "most", "dense")
    for name, result in found["networks"].items():
        for what, row in result["rows"].items():
            cells = [name, result["lanes"], *what.split(), f"{100 * row['right']:.1f} %"]
            cells += [f"{100 * row['active']:.1f} %", f"{row['mean']:.0f}"]
            cells += [f"{row['percentile_99']:.0f}", row["most"], result["dense"]]
            rows.append(cells)
    return f"{clocks}\n\n{Table.of('', heads, rows).markdown()}"


def draw(found: dict[str, Any], path: Path) -> None:
    """Clocks of steps over the share of active columns."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.4 * WIDTH, 3), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(found)))
        for panel, (lanes, row) in zip(panels, found.items(), strict=True):
            shares = 100 * np.array(row["shares"])
            panel.axhline(row["dense"], color=GREY, linewidth=1, label="dense")
            panel.plot(shares, row["cycles"], "o", color=COLOURS[0], label="simulated steps")
            panel.plot(100, row["worst"], "x", color=COLOURS[1], label="every column active")
            panel.set_ylim(bottom=0)
            panel.set_xlim(0, 104)
            panel.set_title(f"{lanes} lanes", fontsize=9)
            panel.set_xlabel("active columns, %")
            panel.yaxis.set_major_formatter("{x:,.0f}")
        panels[0].set_ylabel("cycles of a step")
        panels[0].legend(loc="lower right")
    with output.file(path) as other:
        other.write_text(svg(figure, "skip"), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the spoken digits")
    parser.add_argument("--json", type=Path, default=HERE / "skip.json", help="results")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json.exists() else {"networks": {}}
    known["paces"] = {str(lanes): paces(lanes) for lanes in SIZES}
    for name in SUBJECTS if options.data else ["digits"]:
        known["networks"][name] = measure(name, options.data if name != "digits" else None)
        options.json.write_text(json.dumps(known, indent=1) + "\n")
    known["networks"]["temporal order, held"] = measure_held()
    options.json.write_text(json.dumps(known, indent=1) + "\n")
    write(DOCS / "measured.md", "skip", table(known))
    draw(known["paces"], DOCS / "skip.svg")


if __name__ == "__main__":
    main()
