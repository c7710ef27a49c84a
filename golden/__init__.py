"""The float64 truth: cells, networks of them, learning, tasks and model files. NumPy only."""

from golden.cell import Layer, LayerState
from golden.errors import CarouselError, InputError, ModelError
from golden.modelfile import load, save
from golden.network import Network, Readout
from golden.trace import Trace, mismatches

__all__ = [
    "CarouselError",
    "InputError",
    "Layer",
    "LayerState",
    "ModelError",
    "Network",
    "Readout",
    "Trace",
    "load",
    "mismatches",
    "save",
]
