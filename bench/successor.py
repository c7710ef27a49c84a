"""What a held value costs memory cells and self-attention: `python -m bench.successor`.

The same question after lags of 10 to 100,000 steps: the order of two symbols that came early on.
Counted are right answers, the numbers that are kept from one step to the next, and the products of
the step of the answer. Then what nobody announced: which distractor came at step n? Writes
docs/successor.svg and the tables of docs/successor.md.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import golden
from bench import pages
from carousel.cli import output
from carousel.cli.choice import Choice
from carousel.cli.subject import prepare
from carousel.report.plots import COLOURS, STYLE, WIDTH, svg
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork
from golden import Network, RecurrentNetwork
from golden.attention import AttentionNetwork, symbol_at, temporal_order
from golden.squash import Array
from golden.tasks import SYMBOLS, TEMPORAL_ORDER
from golden.trace import Trace

MODELS = Path(__file__).parents[1] / "models"
LAGS = (10, 100, 1_000, 10_000, 100_000)
COUNT, AT_ONCE = 100, 10  # sequences of a lag, and of a batch
TOLD = TEMPORAL_ORDER.shortest - 1  # steps up to the last one that matters
PLAIN, FLOAT, FIXED, ATTENTION = (
    "plain recurrent network",
    "memory cells, float",
    "memory cells, 16 bits",
    "self-attention",
)
LOOKS = {PLAIN: ("v", 1), FLOAT: ("s", 0), FIXED: ("o", 2), ATTENTION: ("D", 3)}


@dataclass(frozen=True)
class Answer:
    """What a system gave for a batch: outputs (N, K) of the last step, numbers kept, products."""

    out: Array
    kept: int
    products: int


@dataclass(frozen=True)
class Row:
    """What came of one system after one lag."""

    system: str
    lag: int
    right: int
    kept: int
    products: int


def kept(trace: Trace) -> int:
    """Numbers that a run hands on to the next step, for one sequence."""
    parts = (part for st in trace.state for part in (st.s, st.y, st.gates))
    return sum(part.size // len(part) for part in parts)


def cell_products(net: Network) -> int:
    """Of one step: all weights, and f s where there is an f, i g and o h of each cell."""
    shapes = [layer.shape for layer in net.layers]
    weights = sum(w.size for layer in net.layers for w in layer.weights.values())
    return (
        weights
        + sum(stage.weights.size for stage in net.head)
        + sum((2 + ("f" in shape.gates)) * shape.cells for shape in shapes)
    )


def systems() -> dict[str, Callable[[Array], Answer]]:
    """By name, what each gives for a batch of sequences."""
    subject = prepare(MODELS / "temporal_order_held.npz", Choice(16))
    rnn, attention = golden.load_rnn(MODELS / "temporal_order_rnn.npz"), temporal_order(200_000)
    return {
        PLAIN: lambda x: _plain(rnn, x),
        FLOAT: lambda x: _cells(subject.net, subject.net.run(x)),
        FIXED: lambda x: _cells(subject.net, subject.qnet.run(subject.qnet.encode(x)[0]).real()),
        ATTENTION: lambda x: _attention(attention, x),
    }


def _plain(net: RecurrentNetwork, x: Array) -> Answer:
    trace = net.run(x)
    return Answer(trace.out[:, -1], kept(trace), net.weights.size + net.readout.weights.size)


def _cells(net: Network, trace: Trace) -> Answer:
    return Answer(trace.out[:, -1], kept(trace), cell_products(net))


def _attention(net: AttentionNetwork, x: Array) -> Answer:
    memory = net.hear(x)
    return Answer(net.answer(x[:, -1], memory), memory.size, net.products(x.shape[1]))


def measure(lags: tuple[int, ...] = LAGS, count: int = COUNT) -> list[Row]:
    """Every system on the same sequences of each lag."""
    rows, every = [], systems()
    for lag in lags:
        rng = np.random.default_rng(lag)
        found: dict[str, list[tuple[int, Answer]]] = {}
        for _ in range(count // AT_ONCE):
            x, target = TEMPORAL_ORDER.batch(rng, AT_ONCE, TOLD + lag)
            for name, run in every.items():
                answer = run(x)
                right = int(TEMPORAL_ORDER.correct(answer.out, target).sum())
                found.setdefault(name, []).append((right, answer))
        for name, each in found.items():
            last = each[-1][1]
            rows.append(Row(name, lag, sum(n for n, _ in each), last.kept, last.products))
    return rows


def any_symbol(lag: int, count: int = COUNT) -> tuple[int, int]:
    """Asked at the end which distractor came n steps after the last symbol that matters, n drawn
    from 1 to `lag`: how often the cells' states are to the bit those of other distractors, so that
    no readout could tell; and how often self-attention says the right one. Both of `count`."""
    rng, kinds = np.random.default_rng(lag), len(SYMBOLS)
    net, qnet = symbol_at(kinds), prepare(MODELS / "temporal_order_held.npz", Choice(16)).qnet
    right = same = 0
    for _ in range(count // AT_ONCE):
        x, _ = TEMPORAL_ORDER.batch(rng, AT_ONCE, TOLD + lag)
        n = rng.integers(TOLD, x.shape[1] - 1, AT_ONCE)
        asking = np.concatenate((x, np.zeros((*x.shape[:2], 1))), axis=2)
        asking[:, -1, kinds] = n
        said = net.answer(asking[:, -1], net.hear(asking)).argmax(axis=1)
        right += int((said == x[np.arange(AT_ONCE), n].argmax(axis=1)).sum())
        one, two = (states(qnet, some) for some in (x, other_distractors(rng, x)))
        same += int(np.all(one == two, axis=1).sum())
    return same, right


def states(qnet: QuantizedNetwork, x: Array) -> np.ndarray:
    """The states (N, C) of the last layer before the trigger, in codes."""
    return qnet.run(qnet.encode(x[:, :-1])[0]).state[-1].s


def other_distractors(rng: np.random.Generator, x: Array) -> Array:
    """The same sequences with every distractor behind the last symbol that matters drawn anew."""
    first, other = SYMBOLS.index("a"), x.copy()
    between = other[:, TOLD:-1]
    drawn = rng.integers(first, first + 4, between.shape[:2])
    between[:] = np.eye(len(SYMBOLS))[drawn]
    return other


def recall_table(rows: list[Row], count: int = COUNT) -> Table:
    """A line for each lag: of every system answers that are right, numbers kept and products."""
    lines = []
    for lag in dict.fromkeys(row.lag for row in rows):
        here = {row.system: row for row in rows if row.lag == lag}
        cells = (f"{r.right} of {count}, {r.kept:,}, {r.products:,}" for r in here.values())
        lines.append((f"{lag:,}", *cells))
    return Table.of("Right, numbers kept, products of the last step", ("lag", *LOOKS), lines)


def any_table(found: dict[int, tuple[int, int]], count: int = COUNT) -> Table:
    head = (
        "lag",
        "memory cells, 16 bits: the states are those of other distractors",
        "self-attention: right",
    )
    rows = ((f"{lag:,}", *(f"{n} of {count}" for n in each)) for lag, each in found.items())
    return Table.of("", head, rows)


def draw(rows: list[Row]) -> Figure:
    """Numbers kept and products, over the lag; hollow where not every answer was right."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for panel, what, label in (
            (left, "kept", "numbers kept"),
            (right, "products", "products of the last step"),
        ):
            for name in LOOKS:
                _line(panel, [row for row in rows if row.system == name], what)
            panel.set(xscale="log", yscale="log", xlabel="lag, steps")
            panel.set_title(label, loc="left", fontsize=9)
            panel.set_ylim(4, 2e6)
            panel.minorticks_off()
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _line(panel: Axes, rows: list[Row], what: str) -> None:
    mark, colour = LOOKS[rows[0].system][0], COLOURS[LOOKS[rows[0].system][1]]
    wide = rows[0].system == FLOAT  # its marks lie below those of the same cells in 16 bits
    panel.plot(
        [row.lag for row in rows],
        [getattr(row, what) for row in rows],
        mark + "-",
        color=colour,
        label=rows[0].system,
        markersize=9 if wide else 5,
        linewidth=3 if wide else 1.2,
        markerfacecolor=colour if all(row.right == COUNT for row in rows) else "white",
        alpha=0.5 if wide else 1.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    rows, other = measure(), {lag: any_symbol(lag) for lag in LAGS}
    page = pages.DOCS / "successor.md"
    pages.write(page, "recall", recall_table(rows).markdown())
    pages.write(page, "any", any_table(other).markdown())
    with output.file(page.with_suffix(".svg")) as file:
        file.write_text(svg(draw(rows), "successor"), encoding="utf-8")
    print(recall_table(rows).markdown(), any_table(other).markdown(), sep="\n\n")
    if options.json:
        data: dict[str, Any] = {"recall": [vars(row) for row in rows], "any": other}
        options.json.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    main()
