"""What a model is and what it will need: from its shapes and weights alone, nothing is run.

    weight memory = lanes * (groups * columns, over all phases of a step) * bits

Cycles are `rtl.schedule`'s, which follow from shapes. Number formats need data: see `quantize`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from carousel.tables import Table
from fixedpoint import QuantizedNetwork
from golden import Network
from golden.squash import Array
from rtl.schedule import Schedule, allowed_lanes, plan

SHOWN = 7  # numbers of lanes in the table


@dataclass(frozen=True)
class Part:
    """A layer or the readout.

    Attributes
    ----------
    name : "layer 0", ..., "readout".
    inputs, units : widths; units are cells or outputs.
    what : gates and squashing functions.
    weights, biases : all of them, flat.
    """

    name: str
    inputs: int
    units: int
    what: str
    weights: Array
    biases: Array

    @property
    def parameters(self) -> int:
        return self.weights.size + self.biases.size


@dataclass(frozen=True)
class Found:
    """A model, looked at.

    Attributes
    ----------
    net, file : the model and where it came from.
    bits : of a weight.
    schedules : at some numbers of lanes.
    """

    net: Network
    file: Path
    bits: int
    schedules: tuple[Schedule, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        parts = []
        for k, layer in enumerate(self.net.layers):
            shape = layer.shape
            what = f"gates {' '.join(shape.gates)}, g {layer.g}, h {layer.h}"
            if shape.block_size > 1:
                what += f", blocks of {shape.block_size}"
            if shape.gate_recurrence:
                what += ", gate recurrence"
            values = [
                np.concatenate([np.ravel(part[kind]) for kind in shape.kinds])
                for part in (layer.weights, layer.biases)
            ]
            parts.append(Part(f"layer {k}", shape.inputs, shape.cells, what, *values))
        if out := self.net.readout:
            what = f"dense, {'linear' if out.squash == 'identity' else out.squash}"
            weights = np.ravel(out.weights)
            parts.append(
                Part("readout", out.weights.shape[1], out.outputs, what, weights, out.biases)
            )
        return tuple(parts)

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts)

    def memory(self, schedule: Schedule) -> int:
        """Bits of all weight memories; lanes that idle in a group keep zeros there."""
        return schedule.lanes * schedule.ideal_cycles * self.bits


def look(net: Network, file: Path, bits: int, lanes: int | None) -> Found:
    """Plan the network on `lanes` lanes, or on some numbers from the fewest to the most.

    Raises
    ------
    LaneError : lanes that the network cannot use.
    """
    shapes = cast(QuantizedNetwork, net)  # a schedule asks for shapes, which both have
    counts = some(allowed_lanes(shapes)) if lanes is None else (lanes,)
    return Found(net, file, bits, tuple(plan(shapes, count) for count in counts))


def some(allowed: tuple[int, ...]) -> tuple[int, ...]:
    """A few of the allowed numbers of lanes, about as far apart as one another in proportion."""
    wanted = np.geomspace(allowed[0], allowed[-1], SHOWN)
    return tuple(sorted({min(allowed, key=lambda n: abs(n - want)) for want in wanted}))


def tables(found: Found) -> list[Table]:
    """For people."""
    net = found.net
    about: list[tuple[str, object]] = [
        ("file", found.file),
        ("made by", net.made_by or "not said"),
        ("inputs", net.inputs),
        ("outputs", net.outputs),
        ("cells", sum(layer.shape.cells for layer in net.layers)),
        ("parameters", f"{found.parameters:,}"),
    ]
    layers = (
        (part.name, part.inputs, part.units, part.what, f"{part.parameters:,}")
        for part in found.parts
    )
    ranges = (
        (part.name, *(f"{end:.3g}" for end in (*ends(part.weights), *ends(part.biases))))
        for part in found.parts
    )
    needs = (
        (
            schedule.lanes,
            f"{schedule.cycles_per_step:,}",
            f"{schedule.stall_per_step:,}",
            f"{100 * schedule.utilisation:.1f} %",
            f"{found.memory(schedule):,}",
        )
        for schedule in found.schedules
    )
    return [
        Table.of(net.name, ("", "found"), about),
        Table.of("Layers", ("of", "inputs", "units", "what", "parameters"), layers),
        Table.of("Ranges", ("of", "weights from", "to", "biases from", "to"), ranges),
        Table.of(
            f"What the core will need (memory in bits, {found.bits} a weight)",
            ("multipliers", "cycles a step", "waiting", "in use", "weight memory"),
            needs,
        ),
    ]


def ends(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def plain(found: Found) -> dict[str, Any]:
    """For programs."""
    net = found.net
    return {
        "model": {
            "file": str(found.file),
            "name": net.name,
            "made_by": net.made_by,
            "inputs": net.inputs,
            "outputs": net.outputs,
            "cells": [layer.shape.cells for layer in net.layers],
            "parameters": found.parameters,
        },
        "layers": [
            {
                "name": part.name,
                "inputs": part.inputs,
                "units": part.units,
                "what": part.what,
                "parameters": part.parameters,
                "weights": ends(part.weights),
                "biases": ends(part.biases),
            }
            for part in found.parts
        ],
        "bits": found.bits,
        "lanes": [
            {
                "lanes": schedule.lanes,
                "cycles_per_step": schedule.cycles_per_step,
                "ideal": schedule.ideal_cycles,
                "stall": schedule.stall_per_step,
                "utilisation": schedule.utilisation,
                "weight_memory_bits": found.memory(schedule),
            }
            for schedule in found.schedules
        ],
    }
