"""The retention map in tables: where gates are shut, what leaks, what creeps in and what sticks."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from carousel import steps
from carousel.tables import Table
from fixedpoint import FormatError, QuantizedNetwork, quantize
from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention import Retention, Thresholds, retention, thresholds

WIDTHS = (4, 6, 8, 10, 12, 14, 16, 18)
SHOWN = 12  # net inputs in a table
HEAD = ("i = 0 to", "in effect", "f = 1 from", "in effect", "sticks to")


@dataclass(frozen=True)
class Maps:
    """The retention map of a network, and its thresholds at other widths.

    Attributes
    ----------
    layers : the map of each layer.
    limits : the thresholds of each layer.
    widths : the same by width, for formats chosen from the same input; those that can be.
    """

    layers: tuple[Retention, ...]
    limits: tuple[Thresholds, ...]
    widths: Mapping[int, QuantizedNetwork]


def find(subject: steps.Subject) -> Maps:
    """The map in the subject's formats, and the thresholds of some widths."""
    layers = subject.qnet.layers
    widths = {}
    with steps.progress("Retention map") as report:
        for done, bits in enumerate(WIDTHS):
            report(done, len(WIDTHS))
            try:
                widths[bits] = quantize(subject.net, bits=bits, calibrate=subject.inputs.x)
            except FormatError:  # too narrow for this network
                continue
    return Maps(tuple(map(retention, layers)), tuple(map(thresholds, layers)), widths)


def tables(found: Maps) -> list[Table]:
    """For people."""
    rows = [
        (k, map_.layer.formats.s, *_limits(map_.layer, limits))
        for k, (map_, limits) in enumerate(zip(found.layers, found.limits, strict=True))
    ]
    shown = [Table.of("Net inputs that hold a state", ("layer", "state", *HEAD), rows)]
    for k, layer in enumerate(found.layers):
        shown += [*_leak(k, layer), _creep(k, layer)]
    rows = [
        (bits, k, *_limits(layer, thresholds(layer)))
        for bits, qnet in found.widths.items()
        for k, layer in enumerate(qnet.layers)
    ]
    title = "The same, in formats of other widths chosen from the same input"
    return [*shown, Table.of(title, ("bits", "layer", *HEAD), rows)]


def _limits(layer: QuantizedLayer, limits: Thresholds) -> Iterable[str]:
    """The thresholds as text, "-" for one that is not there."""
    for value in (limits.closed, limits.closed_in_effect, limits.kept, limits.kept_in_effect):
        yield "-" if value is None else f"{value:.3f}"
    stuck = limits.stuck
    yield "-" if stuck is None else f"{stuck * layer.formats.s.lsb:g}"


def _leak(k: int, found: Retention) -> list[Table]:
    """What a step takes from the largest state, at some net inputs of f (or i, where f = 1 - i)."""
    if not found.forgets:
        return []
    gate = "i" if found.layer.shape.coupled else "f"
    some = retention(found.layer, _some(found, found.short > 0))
    form = found.layer.formats.s
    largest = np.array([form.high])
    real, fixed, stuck = some.float_leak(largest)[0], some.leak(largest)[0], some.sticks[0]
    rows = [
        (f"{net:.3f}", f"{half:,.4g}", f"{lost:.4g}", step, held, f"{held * form.lsb:.4g}")
        for net, half, lost, step, held in zip(
            some.real_net, _half_life(real / form.high), real, fixed, stuck, strict=True
        )
    ]
    head = (f"net input of {gate}", "half-life", "float", "fixed point", "sticks to, LSB", "value")
    title = f"Layer {k}: leak of a state of {form.high * form.lsb:g}, LSB a step"
    return [Table.of(title, head, rows)]


def _half_life(lost: np.ndarray) -> np.ndarray:
    """Steps after which half is left of what loses this share at every step."""
    with np.errstate(divide="ignore"):
        return np.log(0.5) / np.log1p(-lost)


def _creep(k: int, found: Retention) -> Table:
    """What a step adds with the largest g, at some net inputs of i."""
    some = retention(found.layer, _some(found, found.gate > 0))
    low, high = some.creep
    rows = [
        (f"{net:.3f}", f"{real:.4g}", least, most)
        for net, real, least, most in zip(some.real_net, some.float_creep, low, high, strict=True)
    ]
    head = ("net input of i", "float", "fixed point, least g", "greatest g")
    return Table.of(f"Layer {k}: creep, LSB a step", head, rows)


def _some(found: Retention, moves: npt.NDArray[np.bool_]) -> Codes:
    """Net inputs for a table: whole numbers from 0 to where a gate stops moving states, and the two
    codes between which it does."""
    stops = np.flatnonzero(np.diff(moves))
    edge = int(stops[0 if moves[-1] else -1]) if len(stops) else len(moves) - 2
    edges = found.net[[edge, edge + 1]] if len(moves) > 1 else found.net
    one = found.layer.gate.net.one
    whole = np.arange(0, abs(int(edges[0])), one) * int(np.sign(edges[0]))
    inside = whole[(whole >= found.net[0]) & (whole <= found.net[-1])]
    return np.unique([*inside[:: max(1, math.ceil(len(inside) / SHOWN))], *edges])


def plain(found: Maps) -> dict[str, Any]:
    """For programs."""
    return {
        "thresholds": [_plain(map_.layer) for map_ in found.layers],
        "by_width": {
            str(bits): [_plain(layer) for layer in qnet.layers]
            for bits, qnet in found.widths.items()
        },
    }


def _plain(layer: QuantizedLayer) -> dict[str, Any]:
    return {"state": str(layer.formats.s), **asdict(thresholds(layer))}
