"""The retention map in tables and words: where gates are shut, what leaks, creeps in and sticks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from carousel.cli import progress
from carousel.cli.subject import Subject
from carousel.report.tables import Table
from fixedpoint import FormatError, QuantizedNetwork, quantize
from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention.gates_seen import Met, best, moves
from fixedpoint.retention.map import Retention, Thresholds, retention, thresholds

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
    met : what the gates came to in the subject's sequences.
    widths : the same by width, for formats chosen from the same input; those that can be.
    """

    layers: tuple[Retention, ...]
    limits: tuple[Thresholds, ...]
    met: tuple[Met, ...]
    widths: Mapping[int, QuantizedNetwork]


def find(subject: Subject, met: Sequence[Met]) -> Maps:
    """The map in the subject's formats, and the thresholds of some widths.

    `met` : what the gates came to in the subject's sequences.
    """
    layers = subject.qnet.layers
    widths = {}
    with progress.bar("Retention map") as report:
        for done, bits in enumerate(WIDTHS):
            report(done, len(WIDTHS))
            try:
                widths[bits] = quantize(subject.net, bits=bits, calibrate=subject.inputs.x)
            except FormatError:  # too narrow for this network
                continue
    limits = tuple(map(thresholds, layers))
    return Maps(tuple(map(retention, layers)), limits, tuple(met), widths)


def words(maps: Maps) -> list[str]:
    """A sentence for each gate that is never exactly shut, or never was in the sequences."""
    said = []
    for each in maps.met:
        layer, limits = maps.layers[each.layer].layer, maps.limits[each.layer]
        if (limits.closed if each.gate == "i" else limits.kept) is None:
            code = best(layer, each.gate)
            said.append(_never(each, layer, "can never be", code, moves(layer, each.gate, code)))
        elif not each.shut:
            said.append(
                _never(each, layer, "was never, in these sequences,", each.best, each.moves)
            )
    return said


def _never(each: Met, layer: QuantizedLayer, how: str, code: int, step: int) -> str:
    """What a gate that is not shut does to a state at best."""
    value, real = code * layer.formats.gate.lsb, step * layer.formats.s.lsb
    end, side, does = {
        "i": (0, "least", "lets in"),
        "f": (1, "greatest", "takes from the largest state"),
    }[each.gate]
    return (
        f"Layer {each.layer}: {each.gate} {how} exactly {end}; at its {side}, {value:.4g}, it "
        f"{does} up to {step:,} LSB ({real:.3g}) a step."
    )


def tables(maps: Maps) -> list[Table]:
    """For people."""
    rows = [
        (k, map_.layer.formats.s, *_limits(map_.layer, limits))
        for k, (map_, limits) in enumerate(zip(maps.layers, maps.limits, strict=True))
    ]
    shown = [Table.of("Net inputs that hold a state", ("layer", "state", *HEAD), rows)]
    shown.append(_met(maps))
    for k, layer in enumerate(maps.layers):
        shown += [*_leak(k, layer), _creep(k, layer)]
    rows = [
        (bits, k, *_limits(layer, thresholds(layer)))
        for bits, qnet in maps.widths.items()
        for k, layer in enumerate(qnet.layers)
    ]
    title = "The same, in formats of other widths chosen from the same input"
    return [*shown, Table.of(title, ("bits", "layer", *HEAD), rows)]


def _met(maps: Maps) -> Table:
    """How nearly the gates were shut."""
    rows = []
    for each in maps.met:
        lsb = maps.layers[each.layer].layer.formats.gate.lsb
        ends = (f"{code * lsb:.4g}" for code in (each.low, each.high))
        rows.append((each.layer, each.gate, *ends, f"{100 * each.shut:.1f} %", f"{each.moves:,}"))
    head = ("layer", "gate", "least", "greatest", "exactly shut", "LSB a step at best")
    return Table.of("Gates in these sequences", head, rows)


def _limits(layer: QuantizedLayer, limits: Thresholds) -> Iterable[str]:
    """The thresholds as text, "-" for one that is not there."""
    for value in (limits.closed, limits.closed_in_effect, limits.kept, limits.kept_in_effect):
        yield "-" if value is None else f"{value:.3f}"
    stuck = limits.stuck
    yield "-" if stuck is None else f"{stuck * layer.formats.s.lsb:g}"


def _leak(k: int, kept: Retention) -> list[Table]:
    """What a step takes from the largest state, at some net inputs of f (or i, where f = 1 - i)."""
    if not kept.forgets:
        return []
    gate = "i" if kept.layer.shape.coupled else "f"
    some = retention(kept.layer, _some(kept, kept.short))
    form = kept.layer.formats.s
    largest = np.array([form.high])
    real, fixed, stuck = some.float_leak(largest)[0], some.leak(largest)[0], some.sticks[0]
    rows = [
        (net, f"{half:,.4g}", f"{lost:.4g}", f"{step:,}", f"{held:,}", f"{held * form.lsb:.4g}")
        for net, half, lost, step, held in zip(
            _nets(some), _half_life(real / form.high), real, fixed, stuck, strict=True
        )
    ]
    head = (f"net input of {gate}", "half-life", "float", "fixed point", "sticks to, LSB", "value")
    title = f"Layer {k}: leak of a state of {form.high * form.lsb:g}, LSB a step"
    return [Table.of(title, head, rows)]


def _nets(some: Retention) -> list[str]:
    """The net inputs in as many digits as it takes to tell neighbours apart."""
    digits = max(3, math.ceil(-math.log10(some.layer.gate.net.lsb)))
    return [f"{net:.{digits}f}" for net in some.real_net]


def _half_life(lost: np.ndarray) -> np.ndarray:
    """Steps after which half is left of what loses this share at every step."""
    with np.errstate(divide="ignore"):
        return np.log(0.5) / np.log1p(-lost)


def _creep(k: int, kept: Retention) -> Table:
    """What a step adds with the largest g, at some net inputs of i."""
    some = retention(kept.layer, _some(kept, kept.gate))
    low, high = some.creep
    rows = [
        (net, f"{real:.4g}", f"{least:,}", f"{most:,}")
        for net, real, least, most in zip(_nets(some), some.float_creep, low, high, strict=True)
    ]
    head = ("net input of i", "float", "fixed point, least g", "greatest g")
    return Table.of(f"Layer {k}: creep, LSB a step", head, rows)


def _some(kept: Retention, open_by: Codes) -> Codes:
    """Net inputs for a table: whole numbers from 0 to where a gate stops moving states, and the two
    codes between which it does; where it never does, to the one at which it moves them least.

    `open_by` : LSB that the gate is from shut, for each net input, rising or falling.
    """
    stops = np.flatnonzero(np.diff(open_by > 0))
    least = 0 if open_by[0] < open_by[-1] else -1
    edges = kept.net[[stops[0], stops[0] + 1]] if len(stops) else kept.net[[least]]
    whole = np.arange(0, abs(int(edges[0])), kept.layer.gate.net.one) * int(np.sign(edges[0]))
    inside = whole[(whole >= kept.net[0]) & (whole <= kept.net[-1])]
    return np.unique([*inside[:: max(1, math.ceil(len(inside) / SHOWN))], *edges])


def plain(maps: Maps) -> dict[str, Any]:
    """For programs."""
    return {
        "thresholds": [_plain(map_.layer) for map_ in maps.layers],
        "met": [asdict(each) for each in maps.met],
        "by_width": {
            str(bits): [_plain(layer) for layer in qnet.layers]
            for bits, qnet in maps.widths.items()
        },
    }


def _plain(layer: QuantizedLayer) -> dict[str, Any]:
    return {"state": str(layer.formats.s), **asdict(thresholds(layer))}
