"""From a float network to an integer one, in given formats or in those that the rule chooses."""

import numpy as np

from fixedpoint.calibration import Part, Seen
from fixedpoint.formats import FormatError, Formats
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.rule import Rule
from golden.network import Network


def quantize(
    net: Network,
    formats: Formats | None = None,
    *,
    bits: int = 16,
    calibrate: np.ndarray | None = None,
) -> QuantizedNetwork:
    """The integer network for `formats`, or for formats that the rule of `bits` gives.

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
    """Formats for `bits`-bit weights, x and y, of widths by the rule, that fit `calibrate`.

    Functions take the most fraction bits that still hold both their ends, inputs, states and linear
    values those that hold twice the range that was seen; inputs less where that makes a poor output
    better.

    Parameters
    ----------
    bits : 4 to 20.
    calibrate : typical input (T, D) or (N, T, D), real.

    Raises
    ------
    FormatError : `bits` out of range; values too large or small for any format.
    InputError : calibration data that do not fit the network.
    """
    return Rule(bits).formats(net, Seen.measure(net, calibrate), [Part(np.asarray(calibrate))])
