"""Formats of given widths: their fraction bits, from weights, functions' ends and calibration."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from fixedpoint.aligning import align_dense, align_layer, share
from fixedpoint.arithmetic import Codes
from fixedpoint.calibration import Seen
from fixedpoint.formats import DenseFormats, Format, FormatError, Formats, LayerFormats
from fixedpoint.given import read_fracs
from fixedpoint.squash import reach
from fixedpoint.widths import Widths
from golden.cell import Layer
from golden.network import Network
from golden.squash import Squash, squash


def formats_of(net: Network, widths: Widths, seen: Seen) -> Formats:
    """Formats of these widths: fraction bits from weights, functions' ends and what was seen.

    Raises
    ------
    FormatError : values too large or small for any format.
    """
    gate = _gate(widths.gate)
    layers: list[LayerFormats] = []
    for stage in net.stages:
        found = []
        for k in stage:
            with _named(k):
                found.append(_layer(net.layers[k], widths, seen, k, gate))
        coarsest = min((forms.y for forms in found), key=lambda form: form.frac)
        layers += [replace(forms, y=coarsest) for forms in found]
    outs, inputs = _outs(net, widths, seen), _inputs(net, widths, seen)
    if widths.scaled:
        layers, inputs = share(net, layers, inputs, outs, widths, seen)
    given = [*(forms.y for forms in layers), *outs]
    for k, layer in enumerate(net.layers):
        with _named(k):
            layers[k] = align_layer(layer, layers[k], read_fracs(net, k, inputs, given), widths)
    dense = [
        align_dense(stage, outs[k], widths, read_fracs(net, len(layers) + k, inputs, given))
        for k, stage in enumerate(net.dense)
    ]
    finest = _finest(net, layers, dense)
    return Formats(
        Format(widths.input, int(inputs.min())),
        _argument(finest),
        Format(finest + 1, finest, signed=False),
        tuple(layers),
        tuple(dense[len(net.stem) :]),
        tuple(inputs.tolist()) if np.ptp(inputs) else (),
        tuple(dense[: len(net.stem)]),
    )


def _inputs(net: Network, widths: Widths, seen: Seen) -> Codes:
    """(D,) the most fraction bits of each element of x, or of all, that hold what was seen but for
    `clip` bits."""
    widest = max(seen.inputs)
    ranges = [(most or widest) if widths.scaled else widest for most in seen.inputs]
    rooms = (math.ldexp(seen.room(most), -widths.clip) for most in ranges)
    return np.array([Format.fitting(widths.input, room).frac for room in rooms])


@contextmanager
def _named(k: int) -> Iterator[None]:
    """A `FormatError` says which layer no format was found for."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"layer {k}: {error}") from None


def _gate(bits: int) -> Format:
    """The format of a gate, or another value of sigma, that is a signed operand of `bits` bits."""
    return Format(bits - 1, bits - 2, signed=False)


def _layer(layer: Layer, widths: Widths, seen: Seen, k: int, gate: Format) -> LayerFormats:
    """Layer k's formats from what its signals were seen to be; its weights' are not chosen yet."""
    largest = seen.layers[k]
    g = _function(squash(layer.g), widths.g, seen.room(largest["g"]))
    h = _function(squash(layer.h), widths.h, seen.room(largest["s"]))
    s = Format.fitting(widths.s, seen.room(largest["s"]))
    out = _cell_output(layer, widths, seen, k)
    if layer.projection is None:
        return LayerFormats({}, gate, g, h, s, out)
    y = Format.fitting(widths.y, seen.room(largest["y"]))
    return LayerFormats({}, gate, g, h, s, y, out)


def _cell_output(layer: Layer, widths: Widths, seen: Seen, k: int) -> Format:
    """The format of o h(s): it holds what h can be, or if `tight` what was seen and its room."""
    largest = seen.layers[k]["y" if layer.projection is None else "m"]
    whole = _function(squash(layer.h), widths.y, seen.room(seen.layers[k]["s"]))
    if not whole.holds(largest):
        return Format.fitting(widths.y, largest)
    close = Format.fitting(widths.y, seen.room(largest))
    return close if widths.tight and close.frac > whole.frac else whole


def _finest(net: Network, layers: list[LayerFormats], dense: list[DenseFormats]) -> int:
    """Fraction bits that sigma needs so that nothing derived from it is coarser."""
    needed = [0]
    for layer, forms in zip(net.layers, layers, strict=True):
        needed.append(forms.gate.frac)
        needed += [_needed(squash(layer.g), forms.g), _needed(squash(layer.h), forms.h)]
    for stage, forms in zip(net.dense, dense, strict=True):
        needed.append(_needed(squash(stage.squash), forms.out))
    return max(needed)


def _needed(function: Squash, form: Format) -> int:
    """Fraction bits of sigma for values of `form`; 0 for the identity, which does not ask it."""
    return 0 if function.linear else form.frac + function.scale.bit_length() - 1


def _function(function: Squash, bits: int, most: float) -> Format:
    """The format of a squashed value: it holds the function's ends, and where one is infinite
    `most`."""
    largest = [abs(end) for end in function.ends if math.isfinite(end)]
    return Format.fitting(bits, max(largest + [most] * (not function.bounded)))


def _argument(sigma_frac: int) -> Format:
    """The pre-activation: its rounding costs sigma at most half an LSB, and it reaches the ends."""
    frac = sigma_frac - 2
    integer = math.ceil(math.log2(reach(sigma_frac)))
    while 2.0**integer - 2.0**-frac < reach(sigma_frac):
        integer += 1
    return Format(1 + integer + frac, frac)


def _outs(net: Network, widths: Widths, seen: Seen) -> list[Format]:
    """Formats of what the dense stages give; all but the readout's are sources, as y is one."""
    inner = [*seen.stem, *seen.dense]
    bits, formats = [*[widths.y] * len(inner), widths.out], []
    for stage, width, most in zip(net.dense, bits, (*inner, seen.out), strict=False):
        unit = squash(stage.squash)
        formats.append(_gate(width) if unit.gate else _function(unit, width, seen.room(most)))
    return formats
