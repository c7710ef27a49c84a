"""What a model is: its layers, their kind of cell, their numbers. Nothing is run.

What the core will need is in `needs`. Number formats need data: see `quantize`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carousel.measure import needs
from carousel.measure.needs import Need
from carousel.report.tables import Table
from golden import Dense, Layer, Network
from golden.squash import Array
from golden.window import Window
from golden.wiring import labels
from rtl import CorePlan
from rtl.schedule.schedule import UnsupportedError

OUTPUTS = {
    "every": "of every step",
    "last": "of a sequence's last step",
    "final": "what each direction gave in its own last step",
}


@dataclass(frozen=True)
class StageInfo:
    """A layer or a dense stage.

    Attributes
    ----------
    name : "layer 0", ..., "dense 0", ..., "readout".
    inputs, units, outputs : widths; units are cells, or outputs of a dense stage.
    direction : of a layer; "" for a dense stage.
    what : gates, squashing functions and whatever else is not said by numbers, for people.
    numbers : all of a kind, flat: weights, biases, and where there are any peepholes, projection,
        initial s, initial y.
    options : the same as `what`, for programs.
    """

    name: str
    inputs: int
    units: int
    outputs: int
    direction: str
    what: str
    numbers: dict[str, Array]
    options: dict[str, Any]

    @property
    def parameters(self) -> int:
        """How many numbers were trained; what a sequence starts from is counted too."""
        return sum(values.size for values in self.numbers.values())


@dataclass(frozen=True)
class ModelInfo:
    """A model, looked at.

    Attributes
    ----------
    net, file : the model and where it came from.
    bits : of a value.
    needs : of its core, at some numbers of lanes.
    never : why no core can run it, and there are no needs; or None.
    """

    net: Network
    file: Path
    bits: int
    needs: tuple[Need, ...] = ()
    never: str | None = None

    @property
    def core(self) -> CorePlan:
        """The core with the most lanes of those looked at.

        Raises
        ------
        UnsupportedError : no core can run it.
        """
        if self.never is not None:
            raise UnsupportedError(f"no core can run {self.file}: {self.never}")
        return self.needs[-1].plan

    @property
    def parts(self) -> tuple[StageInfo, ...]:
        pairs = {k: len(stage) > 1 for stage in self.net.stages for k in stage}
        parts = [_layer(k, layer, pairs[k]) for k, layer in enumerate(self.net.layers)]
        names = labels(len(self.net.head), len(self.net.stem))
        parts += [_dense(*pair) for pair in zip(names, self.net.dense, strict=True)]
        return tuple(parts)

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts)


def _layer(k: int, layer: Layer, paired: bool) -> StageInfo:
    shape = layer.shape
    numbers = {
        name: np.concatenate([np.ravel(part[kind]) for kind in kinds])
        for name, part, kinds in (
            ("weights", layer.weights, shape.kinds),
            ("biases", layer.biases, shape.kinds),
            ("peepholes", layer.peepholes, layer.peepholes),
        )
        if kinds
    }
    if layer.projection is not None:
        numbers["projection"] = np.ravel(layer.projection)
    numbers |= {f"initial {name}": values for name, values in layer.initial.items()}
    direction = "reverse" if shape.reverse else "forward"
    options = {
        "gates": list(shape.gates),
        "gate": layer.gate,
        "g": layer.g,
        "h": layer.h,
        "block_size": shape.block_size,
        "gate_recurrence": shape.gate_recurrence,
        "coupled": shape.coupled,
        "peepholes": shape.peepholes,
        "projection": shape.projection,
        "clip": {name: list(limits) for name, limits in layer.clip.items()},
        "initial": list(layer.initial),
        "bidirectional": paired,
    }
    return StageInfo(
        f"layer {k}",
        shape.inputs,
        shape.cells,
        shape.outputs,
        f"bidirectional, {direction}" if paired else direction,
        ", ".join(_words(layer)),
        numbers,
        options,
    )


def _dense(label: str, stage: Dense) -> StageInfo:
    numbers = {"weights": np.ravel(stage.weights), "biases": stage.biases}
    what = f"dense, {'linear' if stage.squash == 'identity' else stage.squash}"
    widths = stage.inputs, stage.outputs, stage.outputs
    return StageInfo(label, *widths, "", what, numbers, {"squash": stage.squash})


def _words(layer: Layer) -> list[str]:
    """The kind of cell; what is usual is not said."""
    shape = layer.shape
    found = [f"gates {' '.join(shape.gates)}", f"g {layer.g}", f"h {layer.h}"]
    found += ["hard sigmoid gates"] if layer.gate == "hard" else []
    found += ["f = 1 - i"] if shape.coupled else []
    found += [f"blocks of {shape.block_size}"] if shape.block_size > 1 else []
    found += ["gate recurrence"] if shape.gate_recurrence else []
    found += ["peepholes"] if shape.peepholes else []
    found += [f"projected to {shape.projection}"] if shape.projection is not None else []
    for name, (low, high) in layer.clip.items():
        whose = "gates" if name == "gate" else name
        found.append(f"net inputs of {whose} clipped to {low:g}..{high:g}")
    found += [f"initial {' and '.join(layer.initial)}"] if layer.initial else []
    return found


def look(
    net: Network, file: Path, bits: int, lanes: int | None, skip: str | None = None
) -> ModelInfo:
    """The model and its needs on `lanes` lanes, or on some numbers from the fewest to the most, of
    a core that skips what `skip` says.

    Raises
    ------
    CarouselError : lanes that the network cannot use, bits that no format has.
    """
    try:
        return ModelInfo(net, file, bits, needs.of(net, bits, lanes, skip))
    except UnsupportedError as reason:
        return ModelInfo(net, file, bits, never=str(reason))


def tables(found: ModelInfo) -> list[Table]:
    """For people."""
    net = found.net
    about: list[tuple[str, object]] = [
        ("file", found.file),
        ("made by", net.made_by or "not said"),
        ("inputs", net.inputs),
        ("outputs", f"{net.outputs}, {OUTPUTS[net.output]}"),
        ("cells", sum(layer.shape.cells for layer in net.layers)),
        ("parameters", f"{found.parameters:,}"),
    ]
    sizes = (
        (part.name, part.inputs, part.units, part.outputs, part.direction, f"{part.parameters:,}")
        for part in found.parts
    )
    head = ("of", "inputs", "units", "outputs", "direction", "parameters")
    ranges = (
        (part.name, name, *(f"{end:.3g}" for end in ends(values)))
        for part in found.parts
        for name, values in part.numbers.items()
    )
    return [
        Table.of(net.name, ("", "found"), about),
        *_reading(net),
        Table.of("Layers", head, sizes),
        Table.of("Cells", ("of", "what"), ((part.name, part.what) for part in found.parts)),
        Table.of("Ranges", ("of", "numbers", "from", "to"), ranges),
        *_needs(found),
    ]


def _reading(net: Network) -> list[Table]:
    """From the input to the output, what the file has and what became of it."""
    reading = net.reading
    if not reading.stages:
        return []
    axes = reading.axes or "NTD"
    what = (
        f"one of {net.inputs} numbers a step" if reading.indices else f"{net.inputs} values a step"
    )
    if (seen := reading.window) != Window():
        values = net.inputs // len(seen.offsets)
        what = f"{values} values a step, in windows of {len(seen.offsets)} steps"
        what += f" at intervals of {seen.stride}" if seen.stride > 1 else ""
    rows = [("input", f"{what}, axes {axes}"), *reading.stages]
    rows.append(("output", f"{net.outputs}, {OUTPUTS[net.output]}"))
    first = 0
    for name, width in reading.heads:
        rows.append((f"output {name}", f"{first} to {first + width - 1}"))
        first += width
    rows += [("assumed", reading.assumed)] if reading.assumed else []
    return [Table.of("From input to output", ("in the file", "here"), rows)]


def _needs(found: ModelInfo) -> list[Table]:
    if found.never is None:
        return needs.tables(found.needs, found.bits)
    return [Table.of("No core can run it", ("",), [(found.never,)])]


def ends(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def plain(found: ModelInfo) -> dict[str, Any]:
    """For programs."""
    net = found.net
    return {
        "model": {
            "file": str(found.file),
            "name": net.name,
            "made_by": net.made_by,
            "read": [list(stage) for stage in net.reading.stages],
            "assumed": net.reading.assumed,
            "behind": net.reading.behind or None,
            "axes": net.reading.axes or None,
            "indices": net.reading.indices,
            "window": asdict(net.reading.window),
            "heads": dict(net.reading.heads),
            "inputs": net.inputs,
            "outputs": net.outputs,
            "output": net.output,
            "cells": [layer.shape.cells for layer in net.layers],
            "parameters": found.parameters,
        },
        "layers": [
            {
                "name": part.name,
                "inputs": part.inputs,
                "units": part.units,
                "outputs": part.outputs,
                "direction": part.direction or None,
                **part.options,
                "what": part.what,
                "parameters": part.parameters,
                "ranges": {name: ends(values) for name, values in part.numbers.items()},
            }
            for part in found.parts
        ],
        "bits": found.bits,
        "lanes": [need.plain() for need in found.needs],
        "no_core": found.never,
    }
