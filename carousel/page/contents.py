"""What the page's scripts are given: cores, weights, recorded codes and symbols, ready for JSON."""

import base64
import gzip
import hashlib
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from carousel.cli.subject import Subject
from carousel.page.symbols import symbols
from fixedpoint import QuantizedNetwork, quantize
from fixedpoint.arithmetic import Codes
from golden import Layer, Network
from golden.doors import SHUT, doors, playing
from golden.squash import squash
from rtl.planning import CorePlan, plan
from sim.wasm.build import ROOM, build, versions
from sim.wasm.inside import Stream

SEQUENCES, STEPS = 4, 300  # that the page replays
PLAYED = 600  # steps at the doors that it replays


def contents(subject: Subject, planned: CorePlan) -> dict[str, Any]:
    """All of it."""
    seen = symbols(subject)
    return {
        "network": {
            "name": subject.net.name,
            "core": core(planned, subject.codes[:SEQUENCES, :STEPS]),
            "float": plain(subject.net),
            "symbols": {**asdict(seen), "vectors": seen.vectors.tolist()},
            "classes": subject.inputs.classes,
        },
        "safe": _safe(),
        "tools": versions(),
    }


def _safe() -> dict[str, Any]:
    """The cell with two doors."""
    x = playing(np.random.default_rng(0), PLAYED)[None]
    qnet = quantize(doors(), bits=16, calibrate=x)
    found = core(plan(qnet), qnet.encode(x)[0])
    return {"core": found, "float": plain(doors(leaky=True)), "shut": SHUT}


def core(planned: CorePlan, codes: Codes) -> dict[str, Any]:
    """A core, and what it must answer."""
    qnet, module = planned.qnet, build(planned)
    return {
        "wasm": pack(module.wasm),
        "verilog_sha256": hashlib.sha256(module.verilog.encode()).hexdigest(),
        "inputs": qnet.inputs,
        "outputs": qnet.outputs,
        "every": qnet.output == "every",
        "room": ROOM,
        "lanes": planned.lanes,
        "cycles": planned.cycles_per_step,
        "input": {**_format(qnet.formats.input), "fracs": _fracs(qnet)},
        "output": _format(qnet.out_format),
        "layers": [
            {name: _format(layer.signal(name)) for name in qnet.layers[k].shape.signals}
            for k, layer in enumerate(qnet.formats.layers)
        ],
        "streams": [[asdict(row) for row in each.rows] for each in module.streams],
        "recorded": recorded(qnet, codes, module.streams),
    }


def recorded(
    qnet: QuantizedNetwork, codes: Codes, streams: tuple[Stream, ...]
) -> dict[str, int | str]:
    """Sequences (N, T, D), and what the integer model answers to them."""
    return {
        "sequences": len(codes),
        "x": pack(codes.astype("<i4").tobytes()),
        "codes": pack(answers(qnet, codes, streams).astype("<i4").tobytes()),
    }


def answers(qnet: QuantizedNetwork, codes: Codes, streams: tuple[Stream, ...]) -> Codes:
    """What the integer model says that a core shows: of each sequence the codes that leave, then
    those of each stream, in order of arrival."""
    rows = []
    for sequence in codes:
        # dense stages are computed at every step, also where the last output alone leaves
        trace = replace(qnet, output="every").run(sequence)
        rows.append((trace.out if qnet.output == "every" else trace.out[-1]).reshape(-1))
        for stream in streams:
            codes_of = [trace.get(row.kind, row.layer) for row in stream.rows]
            units = zip(codes_of, stream.rows, strict=True)
            rows.append(np.stack([each[:, row.index] for each, row in units], axis=1).reshape(-1))
    return np.concatenate(rows)


def _fracs(qnet: QuantizedNetwork) -> list[int]:
    """Fraction bits of each element of x."""
    return (qnet.formats.input.frac + np.zeros(qnet.inputs, int) + qnet.formats.scales).tolist()


def _format(form: Any) -> dict[str, int | bool]:
    return {"width": form.width, "frac": form.frac, "signed": form.signed}


def pack(data: bytes) -> str:
    """Text that the page unpacks."""
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def unpack(text: str) -> bytes:
    """What was packed."""
    return gzip.decompress(base64.b64decode(text))


def plain(net: Network) -> dict[str, Any]:
    """A float network."""
    head = [
        {
            "weights": stage.weights.tolist(),
            "biases": stage.biases.tolist(),
            "squash": _squash(stage.squash),
        }
        for stage in net.head
    ]
    return {"layers": [_layer(layer) for layer in net.layers], "head": head}


def _layer(layer: Layer) -> dict[str, Any]:
    shape, start = layer.shape, layer.initial_state(1)
    return {
        "gates": shape.gates,
        "blocks": shape.blocks,
        "block_size": shape.block_size,
        "gate_recurrence": shape.gate_recurrence,
        "coupled": shape.coupled,
        "weights": {kind: values.tolist() for kind, values in layer.weights.items()},
        "biases": {kind: values.tolist() for kind, values in layer.biases.items()},
        "peepholes": {kind: values.tolist() for kind, values in layer.peepholes.items()},
        "projection": None if layer.projection is None else layer.projection.tolist(),
        "initial": {"s": start.s[0].tolist(), "y": start.y[0].tolist()},
        "clip": {name: list(ends) for name, ends in layer.clip.items()},
        **{name: _squash(getattr(layer, name)) for name in ("gate", "g", "h")},
    }


def _squash(name: str) -> dict[str, Any]:
    """The constants of a squashing function; no limit is None."""
    data = asdict(squash(name))
    ends = {end: data[end] if np.isfinite(data[end]) else None for end in ("low", "high")}
    return data | ends
