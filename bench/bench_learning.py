"""Time of a step of learning: `python -m bench.bench_learning [--json FILE]`.

Sequences of the paper's experiments, one after the other on one core, on-line as in a trial: the
compiled rule, the readable NumPy one, and drawing the sequences. Seconds of processor time on one
thread, the best of several runs taken in turn; the loops are compiled before that. Prints a table,
and writes the same as JSON if asked.
"""

import argparse
import json
import os
import time
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy starts its threads

import numpy as np  # noqa: E402

from golden import fast_learning, learning  # noqa: E402
from golden.experiments import EXPERIMENTS  # noqa: E402

NAMES = ("4-100", "4-1000", "3a-100-3", "6a", "6b", "1-3x2-0.5", "2a", "2c-50-50", "2c-1000-1000")
SEQUENCES = 100  # as many as a trial draws at once
RATE = 0.01


def measure(name: str, rounds: int) -> dict[str, float]:
    """Of an experiment the number of weights, and us a step of learning and of drawing."""
    experiment = EXPERIMENTS[name]
    p = experiment.wiring.draw(np.random.default_rng(0))
    task, _ = experiment.task.split(np.random.default_rng(1))
    batch = task.sequences(np.random.default_rng(2), SEQUENCES)
    fast_learning.train(p, batch[:1], RATE)
    steps, length = int(batch.lengths.sum()), int(batch.lengths[0])
    x = batch[:1].dense(task.inputs)[0, :length]
    target = batch.target[0, :length] if batch.every else batch.target[0]
    calls = {
        "compiled": (lambda: fast_learning.train(p, batch, RATE), steps),
        "numpy": (lambda: learning.train_sequence(p, x, target, RATE), length),
        "drawing": (lambda: task.sequences(np.random.default_rng(2), SEQUENCES), steps),
    }
    found = dict.fromkeys(calls, np.inf)
    for _ in range(rounds):
        for what, (call, count) in calls.items():
            start = time.process_time()
            call()
            found[what] = min(found[what], (time.process_time() - start) / count * 1e6)
    return {"weights": experiment.wiring.weights, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="runs of each, the best counts (9)")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = {name: measure(name, options.rounds) for name in NAMES}
    print(
        f"{'experiment':14}{'weights':>8}{'compiled':>16}{'NumPy':>16}{'ratio':>7}{'drawing':>16}"
    )
    for name, r in results.items():
        print(
            f"{name:14}{r['weights']:>8.0f}{r['compiled']:>8.3f} us/step{r['numpy']:>8.1f} us/step"
            f"{r['numpy'] / r['compiled']:>7.0f}{r['drawing']:>8.3f} us/step"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
