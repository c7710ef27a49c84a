"""What the compiled steps save: `python -m bench.bench_loops`.

Work of which the integer model is a part, by its compiled steps and by the readable loop, in one
run and one process: seconds of processor time. Writes `bench/loops.json` and the table in
docs/measured.md if asked (`--keep`).
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console

import golden
from bench import pages
from bench.kept import short
from carousel.cli.inputs import choose
from carousel.report.tables import Table
from carousel.search.problems import problems
from fixedpoint import loop, quantize
from fixedpoint.budget.account import account
from fixedpoint.compiled import run as compiled
from fixedpoint.dense import QuantizedDense
from fixedpoint.retention.hold import check_hold
from fixedpoint.search.evaluation import evaluate
from fixedpoint.widths import Widths
from golden.tasks import adding

MODELS = pages.DOCS.parent / "models"
FILE = Path(__file__).with_name("loops.json")
LOOPS = {
    "compiled": (compiled.run_layer, compiled.run_dense),
    "loop": (loop.run_layer, QuantizedDense.run),
}
HEAD = ("work", "compiled, s", "loop, s", "times as long")


def works(part: float) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is measured, by name; `part` of the steps, candidates and sequences."""
    net, rng = golden.load(MODELS / "adding.npz"), np.random.default_rng(0)
    x, _ = adding(1000).batch(rng, max(1, int(256 * part)), 1000)
    qnet = quantize(net, bits=16, calibrate=x)
    codes, steps = qnet.encode(x)[0], int(1_000_000 * part)
    yield f"hold check, {steps:,} steps of 4 sequences", lambda: check_hold(qnet, steps)
    test = f"{len(x)} sequences of {x.shape[1]:,} steps in 16 bits, as the experiments test"
    yield test, lambda: qnet.run(codes, signals=False)
    some = x[: max(1, len(x) // 32)]
    yield f"error budget, {len(some)} of these", lambda: account(net, qnet, some, True)
    story = golden.load(MODELS / "temporal_order.npz")
    inputs = choose(story, (), max(1, int(100 * part)), None, 0)
    problem, _ = problems(story, inputs, None, 0, 8)
    widths = [Widths.uniform(bits) for bits in range(13, 13 + max(1, int(4 * part)))]
    tried = f"{len(widths)} candidates of a search, {inputs.count} sequences of 1,100 steps"
    yield tried, lambda: [evaluate(problem, each) for each in widths]


def measure(part: float = 1.0) -> list[dict[str, Any]]:
    """Seconds of each work by each loop; what is compiled is loaded beforehand."""
    found = []
    for name, work in works(part):
        seconds = {}
        for which, (run_layer, run_dense) in LOOPS.items():
            with (
                mock.patch("fixedpoint.network.run_layer", run_layer),
                mock.patch("fixedpoint.network.run_dense", run_dense),
            ):
                start = time.process_time()
                work()
                seconds[which] = time.process_time() - start
        found.append({"work": name, "seconds": seconds})
    return found


def table(found: list[dict[str, Any]]) -> Table:
    """A row for each work."""
    rows = []
    for each in found:
        fast, slow = (each["seconds"][name] for name in LOOPS)
        rows.append((each["work"], short(fast), short(slow), short(slow / fast)))
    return Table.of("", HEAD, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", action="store_true", help=f"write {FILE.name} and the page")
    options = parser.parse_args()
    measure(0.01)  # loads what is compiled
    found = measure()
    table(found).show(Console(width=120))
    if options.keep:
        FILE.write_text(json.dumps(found, indent=2) + "\n")
        pages.write(pages.DOCS / "measured.md", "loops", table(found).markdown())


if __name__ == "__main__":
    main()
