"""The layers of a Keras model that hold numbers or compute, each as a stage.

LSTM, RNN(LSTMCell)  kernel (D, 4 C), recurrent_kernel (C, 4 C), bias (4 C,)
                     columns i | f | c | o
Dense, Conv1D        kernel (D, K), or (width, D, K), bias (K,)
BatchNormalization   gamma, beta, moving_mean, moving_variance (D,)
Normalization        mean, variance (D,), count
Embedding            embeddings (numbers, K)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.importers import check_finite, check_size, shown, stacked_layer
from golden.importers.keras_config import KerasLayer
from golden.importers.keras_options import FUNCTIONS as OF_FUNCTIONS
from golden.importers.keras_options import SQUASHES
from golden.importers.stages import LEAKY, Cells, Cut, Dense, Stage, normalisation
from golden.squash import Array
from golden.window import Window

ORDER = "ifgo"
HARD = {3: (1 / 6, 1 / 2), 2: (0.2, 0.5)}  # slope and offset of the hard sigmoid, by version
FUNCTIONS = {
    "linear": "identity",
    "sigmoid": "sigma",
    "tanh": "tanh",
    "hard_sigmoid": "hard",
    "hard_tanh": "hardtanh",
}
LEAK = 0.2  # of the activation "leaky_relu"; of a layer LeakyReLU
LEAK_OF_LAYER = 0.3
SMALLEST = 1e-7  # the least deviation that Normalization divides by
WIDEST = 1 << 16  # of a convolution
ONE, ZERO = np.ones(()), np.zeros(())


@dataclass(frozen=True)
class Unit:
    """A layer, with what its place in the model makes of it.

    Attributes
    ----------
    part : the layer.
    inputs : how many it takes; of a Conv1D those of all steps of its window.
    version : of Keras, 2 or 3.
    reverse : whether it runs from the sequence's last step to its first.
    beside : whether it is the second of two directions.
    swapped : whether Keras joins what it takes with the direction that runs in reverse first.
    """

    part: KerasLayer
    inputs: int
    version: int = 3
    reverse: bool = False
    beside: bool = False
    swapped: bool = False

    @property
    def kind(self) -> str:
        return self.part.kind

    @property
    def outputs(self) -> int:
        option = {"Embedding": "output_dim", "Conv1D": "filters", "LSTM": "units", "Dense": "units"}
        return self.part.number(option[self.kind]) if self.kind in option else self.inputs

    @property
    def mixes(self) -> bool:
        """Whether each of its outputs sees all of its inputs."""
        return self.kind in ("LSTM", "Dense", "Conv1D", "Embedding")

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Those of its arrays."""
        options, inputs = self.part.options, self.inputs
        if self.kind == "BatchNormalization":
            affine = sum(options.get(name, True) is True for name in ("scale", "center"))
            return [(inputs,)] * (2 + affine)
        if self.kind == "Normalization":
            return [] if options.get("mean") is not None else [(inputs,), (inputs,), ()]
        if not self.mixes:
            return []
        count = self.outputs
        rows = 4 * count if self.kind == "LSTM" else count
        check_size(rows * (inputs + count + 1))
        if self.kind == "Embedding":
            return [(inputs, count)]
        kernel = (inputs, rows)
        if self.kind == "Conv1D":
            width = len(window_of(self.part).offsets)
            kernel = (width, inputs // width, rows)
        recurrent = [(count, rows)] if self.kind == "LSTM" else []
        return [kernel, *recurrent, *([(rows,)] if options.get("use_bias", True) else [])]

    @property
    def place(self) -> str:
        """That of its arrays in the HDF5 file."""
        return self.part.group + ("/cell/vars" if self.kind == "LSTM" else "/vars")

    @property
    def question(self) -> dict[str, Any]:
        """What `hdf5_worker` is asked for."""
        return {"name": self.part.name, "owner": f"{self.part.group}/vars", "shapes": self.shapes}

    def stages(self, arrays: Mapping[str, np.ndarray]) -> list[Stage]:
        """What it computes, at every step."""
        found = []
        for k in range(len(self.shapes)):
            name = f"{self.place}/{k}"
            with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused by name here
                found.append(check_finite(name, np.asarray(arrays[name].astype(np.float64))))
        if self.kind == "LSTM":
            cells: list[Stage] = [Cells(self.part.title, (self._layer(found),))]
            return cells
        weights, biases = self._map(found)
        if self.swapped and self.mixes:
            weights = np.roll(weights, self.inputs // 2, axis=1)
        elif self.swapped:
            weights, biases = (np.roll(v, self.inputs // 2, axis=-1) for v in (weights, biases))
        stages: list[Stage] = []
        if self.kind not in OF_FUNCTIONS:
            stages.append(Dense(self.part.title, weights, biases, cut=self.cut))
        return [*stages, *self._function()]

    @property
    def cut(self) -> Cut:
        """How to keep what is before the layer's function."""
        name = shown(self.part.name)
        before = f"save what is before it: keras.Model(model.inputs, model.get_layer({name}).input)"
        if self.kind not in OF_FUNCTIONS:
            before = (
                "save the model without that function: "
                f"model.get_layer({name}).activation = keras.activations.linear"
            )
        return Cut(before, "save what is behind it as a model of its own")

    def _function(self) -> list[Stage]:
        """The function behind a dense layer, or that of an Activation."""
        said = self.part.options.get("activation", "linear")
        slope = np.array(LEAK)
        if self.kind in ("Softmax", "ReLU", "LeakyReLU"):
            said = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": LEAKY}[self.kind]
            said = "relu6" if self.part.options.get("max_value") is not None else said
            given = [self.part.options.get(option) for option in ("negative_slope", "alpha")]
            option = "alpha" if given[0] is None else "negative_slope"
            slope = np.array(self.part.real(option) if any(given) else LEAK_OF_LAYER)
        if not isinstance(said, str):
            raise self.part.error(f"activation {shown(said)} is not supported")
        function = FUNCTIONS.get(said, said)
        if function == "identity":
            return []
        factor, offset = HARD[self.version] if function == "hard" else (1.0, 0.0)
        title = self.part.title if self.kind in OF_FUNCTIONS else f"{self.part.title}, {said}"
        leak = {"slope": slope} if function == LEAKY else {}
        return [Dense(title, np.array(factor), np.array(offset), function, self.cut, **leak)]

    def _map(self, found: list[Array]) -> tuple[Array, Array]:
        """Weights and biases of what is linear."""
        options = self.part.options
        if self.kind == "Embedding":
            return np.ascontiguousarray(found[0].T), ZERO
        if self.kind == "Rescaling":
            return np.array(self.part.real("scale")), np.array(self.part.real("offset"))
        if self.kind == "Normalization":
            if not found:
                found = [self.part.reals(name, self.inputs) for name in ("mean", "variance")]
            factor = 1 / np.maximum(np.sqrt(np.maximum(found[1], 0)), SMALLEST)
            return factor, -factor * found[0]
        if self.kind == "BatchNormalization":
            *affine, mean, variance = found
            rest = iter(affine)
            scale = next(rest) if options.get("scale", True) is True else ONE
            shift = next(rest) if options.get("center", True) is True else ZERO
            total = variance + self.part.real("epsilon")
            if (total <= 0).any():
                raise self.part.error("epsilon and its variances must be above 0")
            return normalisation(scale, shift, mean, total)
        if self.kind in OF_FUNCTIONS:
            return ONE, ZERO
        kernel = found[0].reshape(-1, found[0].shape[-1])
        return np.ascontiguousarray(kernel.T), found[1] if len(found) > 1 else ZERO

    def _layer(self, found: list[Array]) -> Layer:
        options = self.part.options
        bias = found[2] if len(found) == 3 else np.zeros(self.shapes[0][1])
        kernel = np.roll(found[0], self.inputs // 2, axis=0) if self.swapped else found[0]
        squash = SQUASHES[options.get("activation", "tanh")]
        hard = options.get("recurrent_activation") == "hard_sigmoid"
        return stacked_layer(
            ORDER,
            np.ascontiguousarray(kernel.T),
            np.ascontiguousarray(found[1].T),
            bias,
            affine=dict.fromkeys("ifo", HARD[self.version]) if hard else None,
            g=squash,
            h=squash,
            gate="hard" if hard else "sigma",
            reverse=self.reverse,
            beside=self.beside,
        )


def window_of(part: KerasLayer) -> Window:
    """What a Conv1D sees of the steps."""
    width, stride, dilation = (
        _one(part, option) for option in ("kernel_size", "strides", "dilation_rate")
    )
    offsets = tuple(dilation * k for k in range(width))
    zeros, padding = dilation * (width - 1), part.options.get("padding", "valid")
    if padding == "same" and stride > 1:
        raise part.error("padding 'same' with strides is not supported; supported: valid, causal")
    before = {"valid": 0, "causal": zeros, "same": zeros // 2}[padding]
    return Window(offsets, stride, before, zeros - before if padding == "same" else 0)


def _one(part: KerasLayer, option: str) -> int:
    """An option that is a number, or a list of one."""
    value = part.options.get(option, 1)
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if type(value) is not int or not 1 <= value <= WIDEST:
        raise part.error(f"{option} {shown(value)}: must be a whole number from 1 to {WIDEST}")
    return value
