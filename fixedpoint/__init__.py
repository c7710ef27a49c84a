"""The integer truth: formats, the sigma table, quantised networks, hold check, error reports."""

from fixedpoint.budget.error import ErrorReport, SignalError, compare
from fixedpoint.formats import DenseFormats, Format, FormatError, Formats, LayerFormats
from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from fixedpoint.quantization import choose_formats, quantize
from fixedpoint.retention.hold import HoldResult, NeverShutError, check_hold, drift, shut_gates

__all__ = [
    "DenseFormats",
    "ErrorReport",
    "Format",
    "FormatError",
    "Formats",
    "HoldResult",
    "LayerFormats",
    "NeverShutError",
    "QuantizedNetwork",
    "QuantizedTrace",
    "SignalError",
    "check_hold",
    "choose_formats",
    "compare",
    "drift",
    "quantize",
    "shut_gates",
]
