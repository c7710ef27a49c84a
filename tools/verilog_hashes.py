"""SHA-256 of the Verilog of the shipped models and of named configurations.

A change that should leave the gateware as it is shows with this that it does:

    python tools/verilog_hashes.py > before.json
    python tools/verilog_hashes.py --check before.json

The second ends with status 1 and one line a difference on stderr where anything differs. The
configurations are small networks with seeded random weights, so that between them every option,
every kind of cell and every family of boards occurs.
"""

# ruff: noqa: E402 (the tree that this file is in comes first, whichever is installed)

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import golden
from fixedpoint import Format, Formats, QuantizedNetwork, choose_formats, quantize
from golden import Dense, Layer, Network
from rtl import CoreOptions, CorePlan, plan, verilog
from rtl.boards.boards import design
from rtl.flow.design import alone
from rtl.kit.header import logic

PLAIN = ("temporal_order_rnn",)  # no LSTM, and so no gateware
Make = Callable[[], str]


def planned(qnet: QuantizedNetwork, lanes: int | None = None, **options) -> CorePlan:
    return plan(qnet, CoreOptions(lanes, **options))


def written(qnet: QuantizedNetwork, lanes: int | None = None, axi: bool = False, **options) -> str:
    """The logic of the Verilog that is written, without its ports' signs, which change nothing."""
    files = verilog.texts(planned(qnet, lanes, **options), axi=axi)
    text = next(text for name, text in files.items() if name.endswith(".v"))
    return re.sub(r"^  (input|output|wire) signed ", r"  \1 ", logic(text), flags=re.MULTILINE)


def probed(qnet: QuantizedNetwork, **options) -> str:
    """A core as the simulator gets it."""
    return verilog.convert(planned(qnet, probe=True, **options).component(), "probed")


def on_board(qnet: QuantizedNetwork, board: str, lanes: int, clock_mhz: float | None = None) -> str:
    return design(board, planned(qnet, lanes), clock_mhz).verilog


def without_board(qnet: QuantizedNetwork) -> str:
    """A core as it is built for a device without a board, of whichever family."""
    return alone(planned(qnet)).verilog


def random_layer(
    inputs: int,
    blocks: int,
    size: int = 1,
    kinds: str = "ifo",
    *,
    peepholes: bool = False,
    outputs: int | None = None,
    initial: bool = False,
    **options,
) -> Layer:
    """A layer of normal random weights; `outputs` are those of a projection."""
    rng = np.random.default_rng([inputs, blocks, size, len(kinds)])
    cells = blocks * size
    gates = len(kinds) * blocks if options.get("gate_recurrence") else 0
    columns = inputs + (outputs or cells) + gates
    rows = {**dict.fromkeys(kinds, blocks), "g": cells}
    weights = {kind: rng.normal(0, 0.8, (count, columns)) for kind, count in rows.items()}
    biases = {kind: rng.normal(0, 0.8, count) for kind, count in rows.items()}
    if peepholes:
        options["peepholes"] = {kind: rng.normal(0, 0.8, cells) for kind in kinds}
    if outputs:
        options["projection"] = rng.normal(0, 0.8 / cells, (outputs, cells))
    if initial:
        options["initial"] = {
            "s": rng.normal(0, 0.8, cells),
            "y": rng.normal(0, 0.3, outputs or cells),
        }
    return Layer(weights, biases, size, **options)


def network(*layers: Layer, readout: str | None = None, output: str = "every") -> Network:
    """These layers, and with `readout` two output units with that squash."""
    last = layers[-2:] if layers[-1].beside else layers[-1:]
    width = sum(layer.shape.outputs for layer in last)
    rng = np.random.default_rng(width)
    units = (Dense(rng.normal(size=(2, width)), rng.normal(size=2), readout),) if readout else ()
    return Network(layers, units, "named", output=output)


def typical(net: Network) -> np.ndarray:
    """Calibration input (N, T, D)."""
    return np.random.default_rng(net.inputs).normal(size=(4, 24, net.inputs))


def integers(net: Network, bits: int = 16) -> QuantizedNetwork:
    return quantize(net, bits=bits, calibrate=typical(net))


def own_formats(net: Network) -> Formats:
    """Each layer and the readout with widths of their own."""
    formats = choose_formats(net, 16, typical(net))
    layers = []
    for k, layer in enumerate(formats.layers):
        weights = {source: narrower(form, 2 * k) for source, form in layer.weights.items()}
        g, h = narrower(layer.g, 3 - k), narrower(layer.h, 1 + k)
        layers.append(replace(layer, weights=weights, g=g, h=h, s=narrower(layer.s, 4 - 5 * k)))
    head = (replace(stage, weights=narrower(stage.weights, 5)) for stage in formats.head)
    return replace(formats, layers=tuple(layers), head=tuple(head))


def narrower(form: Format, bits: int) -> Format:
    """The same range with so many fraction bits less."""
    return replace(form, width=form.width - bits, frac=form.frac - bits)


def paper(readout: str | None = "sigma") -> Network:
    """Blocks of two cells that share gates, which are sources too, as in 1997."""
    hidden = random_layer(4, 3, 2, "io", gate_recurrence=True, g="g1997", h="h1997")
    return network(hidden, readout=readout)


def bidirectional(output: str) -> Network:
    sides = random_layer(3, 4), random_layer(3, 3, reverse=True, beside=True)
    return network(*sides, random_layer(7, 2), readout="identity", output=output)


def configurations() -> dict[str, Make]:
    """By name, what makes the Verilog of a configuration."""
    plain = integers(network(random_layer(4, 6), readout="identity"))
    stack = network(random_layer(3, 5), random_layer(5, 4), readout="identity")
    peepholes = integers(network(random_layer(3, 4, peepholes=True), readout="sigma"))
    coupled = integers(network(random_layer(3, 4, kinds="io", coupled=True)))
    projection = integers(network(random_layer(3, 6, outputs=2), random_layer(2, 3)))
    hard = integers(network(random_layer(3, 4, gate="hard", g="hard", h="hard")))
    clip = {"gate": (-2.0, 1.5), "g": (-0.5, 3.0)}
    clipped = integers(network(random_layer(3, 4, clip=clip)))
    linear = integers(network(random_layer(3, 4, g="identity", h="identity")), 12)
    started = integers(network(random_layer(3, 4, initial=True)))
    narrow = random_layer(2, 8)  # fewer columns than rows: the tail takes a block's rows at once
    every, last, final = (integers(bidirectional(o)) for o in ("every", "last", "final"))
    reverse = integers(network(random_layer(3, 4, reverse=True), output="last"))
    return {
        "all lanes": lambda: written(plain),
        "one lane": lambda: written(plain, 1),
        "8 bits": lambda: written(integers(stack, 8)),
        "20 bits": lambda: written(integers(stack, 20), 4),
        "layers with own formats": lambda: written(quantize(stack, own_formats(stack)), 4),
        "blocks, gate recurrence": lambda: written(integers(paper())),
        "blocks, gate recurrence, 2 lanes": lambda: written(integers(paper(None)), 2),
        "rows at once": lambda: written(integers(network(narrow))),
        "rows at once, streams": lambda: written(integers(network(narrow)), streams=2),
        "streams": lambda: written(plain, 4, streams=3),
        "nonzeros": lambda: written(plain, 4, nonzeros=2),
        "nonzeros, streams": lambda: written(plain, nonzeros=1, streams=2),
        "state port": lambda: written(plain, state_port=True),
        "state port, gate recurrence": lambda: written(integers(paper()), 3, state_port=True),
        "load port": lambda: written(plain, 4, load_port=True),
        "load port, state port, peepholes": lambda: written(
            peepholes, load_port=True, state_port=True
        ),
        "AXI": lambda: written(plain, axi=True),
        "AXI, load port": lambda: written(plain, 4, axi=True, load_port=True),
        "AXI, bidirectional": lambda: written(every, axi=True, max_length=20),
        "peepholes": lambda: written(peepholes),
        "peepholes, 4 lanes, streams": lambda: written(peepholes, 4, streams=2),
        "coupled": lambda: written(coupled),
        "projection": lambda: written(projection),
        "projection, 2 lanes, state port": lambda: written(projection, 2, state_port=True),
        "hard gates": lambda: written(hard),
        "clip": lambda: written(clipped),
        "linear g and h": lambda: written(linear),
        "initial state": lambda: written(started),
        "bidirectional, every output": lambda: written(every, max_length=12),
        "bidirectional, last output": lambda: written(last),
        "bidirectional, final output": lambda: written(final, 4),
        "reverse": lambda: written(reverse, max_length=9),
        "probe": lambda: probed(integers(stack), lanes=4),
        "probe, peepholes": lambda: probed(peepholes),
        "probe, bidirectional": lambda: probed(every, max_length=9),
        "no board": lambda: without_board(plain),
        "no board, bidirectional": lambda: without_board(last),
        "ECP5 board": lambda: on_board(plain, "ulx3s-85f", 4),
        "ECP5 board, PLL": lambda: on_board(plain, "ulx3s-12f", 2, 50.0),
        "ECP5 board, bidirectional": lambda: on_board(last, "ulx3s-25f", 4),
        "iCE40 board": lambda: on_board(plain, "icebreaker", 2),
        "iCE40 board, PLL": lambda: on_board(integers(paper()), "icebreaker", 1, 18.0),
    }


def models() -> dict[str, Make]:
    """By name, what makes the Verilog of a shipped model, with formats of 16 bits."""
    paths = sorted((ROOT / "models").glob("*.npz"))
    return {
        f"models/{path.name}": lambda path=path: written(integers(golden.load(path)))
        for path in paths
        if path.stem not in PLAIN
    }


def hashes() -> dict[str, str]:
    makers = {**models(), **configurations()}
    return {name: hashlib.sha256(make().encode()).hexdigest() for name, make in makers.items()}


def differences(kept: dict[str, str], found: dict[str, str]) -> list[str]:
    """A line for each name whose hash differs, or that one side alone has."""
    names = sorted({*kept, *found})
    sides = ((name, kept.get(name, "none"), found.get(name, "none")) for name in names)
    return [f"{name}: was {was}, is {now}" for name, was, now in sides if was != now]


def main() -> None:
    parser = argparse.ArgumentParser(description="SHA-256 of the Verilog, as JSON.")
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare with what was printed")
    kept = parser.parse_args().check
    before = json.loads(kept.read_text(encoding="utf-8")) if kept else None
    found = hashes()
    if before is None:
        print(json.dumps(found, indent=2))
        return
    lines = differences(before, found)
    for line in lines:
        print(line, file=sys.stderr)
    print(f"{len(found)} compared, {len(lines)} differ")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
