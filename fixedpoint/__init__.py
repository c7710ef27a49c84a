"""The integer truth: number formats, the sigma table, quantised networks, the hold check, error reports."""

from fixedpoint.formats import Format, FormatError, Formats, LayerFormats, ReadoutFormats
from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from fixedpoint.quantize import choose_formats, quantize

__all__ = [
    "Format",
    "FormatError",
    "Formats",
    "LayerFormats",
    "QuantizedNetwork",
    "QuantizedTrace",
    "ReadoutFormats",
    "choose_formats",
    "quantize",
]
