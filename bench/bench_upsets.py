"""Bits that flip in a core with and without `--protect`: `python -m bench.bench_upsets`.

A small core with every kind of memory runs the same sequence again and again, each time with a bit
flipped: in any kind of memory or register, as often in each, in any word, any bit and any clock. A
run differs if any output beat, or the clock in which it comes, is another one. The results go to a
JSON and into docs/upsets.md.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.pages import DOCS, write
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, choose_formats, quantize
from golden import Dense, Layer, Network
from rtl import CoreOptions, plan
from sim.upsets import MEMORIES, Flip, Outcome, Place, Upsets

HERE = Path(__file__).parent
LANES, STEPS, SEED = 4, 4, 1997
CONTROL, REST = "control", "pipelines, sums and counters"


def network() -> tuple[QuantizedNetwork, np.ndarray]:
    """Cells of 1997 with gate recurrence, initial states and a readout, every code of 12 bits."""
    rng = np.random.default_rng(SEED)
    weights = {kind: rng.normal(size=(n, 2 + 4 + 4)) for kind, n in (("i", 2), ("o", 2), ("g", 4))}
    biases = {kind: rng.normal(size=len(each)) for kind, each in weights.items()}
    initial = {name: rng.uniform(-0.9, 0.9, 4) for name in "sy"}
    first = Layer(weights, biases, 2, True, initial=initial)
    net = Network((first,), (Dense(rng.normal(size=(2, 4)), rng.normal(size=2), "identity"),))
    x = rng.normal(size=(STEPS, 2))
    qnet = quantize(net, choose_formats(net, 12, x[None]))
    return qnet, qnet.encode(x)[0]


def by_kind(places: Sequence[Place], kept: set[str]) -> dict[str, list[Place]]:
    """Places by what they are; `kept` are the registers that a protected core has three times."""
    found: dict[str, list[Place]] = {kind: [] for kind in (*MEMORIES, CONTROL, REST)}
    for place in places:
        found[place.kind or (CONTROL if place.register in kept else REST)].append(place)
    return found


def drawn(
    rng: np.random.Generator, places: Sequence[Place], count: int, clocks: int, bits: int = 1
) -> list[Flip]:
    """So many flips of these places, as many in each."""
    wide = [place for place in places if place.bits >= bits]
    return [Flip.any(rng, wide[k % len(wide)], clocks, bits) for k in range(count)]


def summed(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many flips, runs that differ, and of these how many that the core does not tell."""
    differ = [each for each in outcomes if not each.same]
    return {
        "flips": len(outcomes),
        "differ": len(differ),
        "silent": sum(not each.uncorrectable for each in differ),
        "corrected": sum(each.corrected > 0 for each in outcomes),
        "uncorrectable": sum(each.uncorrectable > 0 for each in outcomes),
    }


def measure(each: int) -> dict[str, Any]:
    """So many flips in every kind of place, of both cores."""
    qnet, codes = network()
    cores = [
        Upsets.of(plan(qnet, CoreOptions(LANES, protect=guarded))) for guarded in (True, False)
    ]
    clocks = (STEPS + 1) * cores[0].plan.cycles_per_step + cores[0].plan.slowest.latency
    kept = {place.register for place in cores[0].places if place.path != place.register}
    found: dict[str, Any] = {"clocks": clocks, "cycles_per_step": cores[0].plan.cycles_per_step}
    for name, core in zip(("protected", "plain"), cores, strict=True):
        rng, kinds = np.random.default_rng(SEED), by_kind(core.places, kept)
        asked = {(kind, 1): drawn(rng, kinds[kind], each, clocks) for kind in kinds}
        if core.plan.options.protect:
            asked |= {(kind, 2): drawn(rng, kinds[kind], each // 4, clocks, 2) for kind in MEMORIES}
        outcomes = iter(
            core.play(codes, clocks, [flip for those in asked.values() for flip in those])
        )
        for (kind, bits), those in asked.items():
            result = summed([next(outcomes) for _ in those])
            found.setdefault(f"{name} {bits}", {})[kind] = result
            print(name, bits, kind, result, flush=True)
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    heads = (
        "a bit flips in",
        "flips",
        "outputs differ without",
        "with `--protect`",
        "two bits: told",
    )
    lines = []
    plain, guarded, double = (found[name] for name in ("plain 1", "protected 1", "protected 2"))
    for kind, one in guarded.items():
        two = double.get(kind)
        told = f"{two['uncorrectable']} of {two['flips']}, silent {two['silent']}" if two else ""
        lines.append((kind, f"{one['flips']:,}", share(plain[kind]), share(one), told))
    rows = ({k: v for k, v in each.items() if k != REST} for each in (plain, guarded))
    without, within = (
        {n: sum(r[n] for r in each.values()) for n in ("flips", "differ")} for each in rows
    )
    sums = f"{within['flips']:,}", share(without), share(within)
    return Table.of("", heads, [*lines, ("all that is covered", *sums, "")]).markdown()


def share(found: dict[str, int]) -> str:
    """Runs that differ."""
    return f"{100 * found['differ'] / found['flips']:.1f} %" if found["differ"] else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--each", type=int, default=1000, help="flips in each kind of place")
    parser.add_argument("--json", type=Path, default=HERE / "upsets.json", help="results")
    options = parser.parse_args()
    found = measure(options.each)
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    write(DOCS / "upsets.md", "upsets", table(found))


if __name__ == "__main__":
    main()
