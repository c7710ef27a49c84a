"""From a float network to an integer one: formats chosen from ranges and from calibration data."""

import math

import numpy as np

from fixedpoint.cell import Format
from fixedpoint.formats import FormatError, Formats, LayerFormats, ReadoutFormats
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.squash import reach
from golden.network import Network
from golden.squash import Squash, squash
from golden.trace import Trace

NARROWEST, WIDEST = 6, 20
HEADROOM = 2.0  # a state or linear value may grow to twice what calibration saw before it saturates


def quantize(
    net: Network,
    formats: Formats | None = None,
    *,
    bits: int = 16,
    calibrate: np.ndarray | None = None,
) -> QuantizedNetwork:
    """The integer network for `formats`, or for formats of `bits` bits that fit `calibrate`.

    Parameters
    ----------
    calibrate : typical input (T, D) or (N, T, D), real; needed when `formats` is not given.

    Raises
    ------
    FormatError : formats that cannot work, see `fixedpoint.network.build`.
    InputError : calibration data that do not fit the network.
    """
    if formats is None:
        if calibrate is None:
            raise FormatError(
                "quantize: neither formats nor calibration data were given, one of them is needed"
            )
        formats = choose_formats(net, bits, calibrate)
    return build(net, formats)


def choose_formats(net: Network, bits: int, calibrate: np.ndarray) -> Formats:
    """Formats of `bits` bits, from the weights' ranges, the functions' ends and calibration.

    Gates take bits - 1 unsigned bits (so that they fit a signed multiplier operand of `bits`),
    functions the most fraction bits that still hold both their ends, states and linear values
    twice the range that was seen.

    Parameters
    ----------
    bits : 6 to 20.
    calibrate : typical input (T, D) or (N, T, D), real.

    Raises
    ------
    FormatError : `bits` out of range.
    InputError : calibration data that do not fit the network.
    """
    if not NARROWEST <= bits <= WIDEST:
        raise FormatError(f"bits {bits}: must be from {NARROWEST} to {WIDEST}")
    trace = net.run(calibrate)
    gate = Format(bits - 1, bits - 2, signed=False)
    x = first = Format.fitting(bits, float(np.abs(calibrate).max()))
    layers: list[LayerFormats] = []
    finest = gate.frac  # fraction bits that sigma needs so that nothing derived from it is coarser
    for k, layer in enumerate(net.layers):
        g, h = squash(layer.g), squash(layer.h)
        g_form = _function(g, bits, float(np.abs(trace.get("g", k)).max()))
        h_form = _function(h, bits, float(np.abs(trace.get("s", k)).max()))
        s_form = Format.fitting(bits, HEADROOM * float(np.abs(trace.get("s", k)).max()))
        y_form = h_form
        sources = {"x": x, "y": y_form, "gates": gate}
        largest = {
            source: max(
                float(np.abs(layer.weights[kind][:, cut]).max()) for kind in layer.shape.kinds
            )
            for source, cut in layer.shape.columns.items()
        }
        frac = min(
            Format.fitting(bits, largest[source]).frac + sources[source].frac for source in largest
        )
        weights = {source: Format(bits, frac - sources[source].frac) for source in largest}
        layers.append(LayerFormats(weights, gate, g_form, h_form, s_form, y_form))
        finest = max(
            finest,
            *(
                form.frac + f.scale.bit_length() - 1
                for f, form in ((g, g_form), (h, h_form))
                if not f.linear
            ),
            0,
        )
        x = y_form
    readout = _readout(net, bits, trace, gate, x)
    return Formats(
        first, _argument(finest), Format(finest + 1, finest, signed=False), tuple(layers), readout
    )


def _function(function: Squash, bits: int, seen: float) -> Format:
    """The format of a squashed value: it holds the function's ends, or twice what was seen."""
    return Format.fitting(
        bits, HEADROOM * seen if function.linear else max(map(abs, function.ends))
    )


def _argument(sigma_frac: int) -> Format:
    """The pre-activation: its rounding costs sigma at most half an LSB, and it reaches the ends."""
    frac = sigma_frac - 2
    integer = math.ceil(math.log2(reach(sigma_frac)))
    while 2.0**integer - 2.0**-frac < reach(sigma_frac):
        integer += 1
    return Format(1 + integer + frac, frac)


def _readout(
    net: Network, bits: int, trace: Trace, gate: Format, y: Format
) -> ReadoutFormats | None:
    if net.readout is None:
        return None
    weights = Format.fitting(bits, float(np.abs(net.readout.weights).max()))
    if net.readout.squash == "sigma":
        return ReadoutFormats(weights, gate)
    return ReadoutFormats(weights, Format.fitting(bits, HEADROOM * float(np.abs(trace.out).max())))
