"""The float64 truth: cells, networks of them, learning, tasks and model files. NumPy only.

Training at speed (`golden.fast_learning`, `golden.training`) needs numba and is not imported here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden.cell import Layer, LayerState
    from golden.dense import Dense
    from golden.errors import CarouselError, InputError, ModelError
    from golden.modelfile import load, load_rnn, save
    from golden.network import Network
    from golden.rnn import RecurrentNetwork
    from golden.trace import Trace, mismatches
else:
    # What runs inside a simulator needs none of them.
    from golden.lazy import names

    __getattr__ = names(
        "golden",
        {
            "cell": ("Layer", "LayerState"),
            "dense": ("Dense",),
            "errors": ("CarouselError", "InputError", "ModelError"),
            "modelfile": ("load", "load_rnn", "save"),
            "network": ("Network",),
            "rnn": ("RecurrentNetwork",),
            "trace": ("Trace", "mismatches"),
        },
    )

__all__ = [
    "CarouselError",
    "Dense",
    "InputError",
    "Layer",
    "LayerState",
    "ModelError",
    "Network",
    "RecurrentNetwork",
    "Trace",
    "load",
    "load_rnn",
    "mismatches",
    "save",
]
