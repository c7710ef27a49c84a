"""The activations of an ONNX LSTM as squashing functions, and what goes into the rows before them.

    f(a) = squash(slope a + offset)

The slope and the offset of a HardSigmoid, a ScaledTanh or an Affine are absorbed into the rows of
weights. `activation_alpha` and `activation_beta` are consumed in order by the activations that take
them, as onnxruntime does. ONNX names defaults for HardSigmoid, and 0 for the beta of Affine; where
another value is missing, ONNX and onnxruntime differ, and the file is refused.
"""

from dataclasses import dataclass

from golden.importers import shown
from golden.importers.onnx_graph import Node

ALPHA = {"hardsigmoid": 0.2}
BETA = {"hardsigmoid": 0.5, "affine": 0.0}
PLAIN = {"sigmoid": "sigma", "tanh": "tanh", "relu": "relu"}
KNOWN = {*PLAIN, "hardsigmoid", "scaledtanh", "affine"}
TAKING = {"hardsigmoid", "scaledtanh", "affine"}  # an alpha and a beta
SUPPORTED = "Sigmoid, Tanh, HardSigmoid, ScaledTanh, Affine, Relu"
OF_GATES = "Sigmoid and HardSigmoid with alpha other than 0"
OF_G = (
    "Sigmoid, Tanh, Relu, HardSigmoid and Affine with alpha other than 0, ScaledTanh with alpha 1 "
    "or 2 and beta other than 0"
)
OF_H = (
    "Sigmoid, Tanh, Relu, ScaledTanh with alpha, beta 1, 1 or 2, 0.5 or 1, 0.5, Affine and "
    "HardSigmoid with 1, 0"
)


@dataclass(frozen=True)
class ScaledSquash:
    """squash(slope a + offset); `squash` is a name of `golden.squash`."""

    squash: str
    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Activations:
    """Of one direction: of the gates i, o, f; of the cell input; of the cell output, a name."""

    gate: ScaledSquash
    g: ScaledSquash
    h: str


@dataclass(frozen=True)
class _Named:
    """An activation as the file has it; alpha and beta are 0 where it takes none."""

    name: str
    alpha: float
    beta: float

    @property
    def word(self) -> str:
        return self.name.lower()

    def __str__(self) -> str:
        if self.word not in TAKING:
            return self.name
        return f"{self.name} with alpha {self.alpha:g}, beta {self.beta:g}"


def activations(node: Node, directions: int) -> list[Activations]:
    """The activations of each direction of an LSTM node.

    Raises
    ------
    ModelError : a number of activations, alphas or betas that does not fit; an activation that
        cannot be said, by its name, with what is supported at its place.
    """
    named = _named(node, 3 * directions)
    return [
        Activations(_gate(node, named[k]), _g(node, named[k + 1]), _h(node, named[k + 2]))
        for k in range(0, len(named), 3)
    ]


def _named(node: Node, count: int) -> list[_Named]:
    names = node.take("activations", 8, []) or ["Sigmoid", "Tanh", "Tanh"] * (count // 3)
    if len(names) != count:
        node.refuse(f"{len(names)} activations, must be {count}")
    for name in names:
        if name.lower() not in KNOWN:
            node.refuse(f"activation {shown(name)[1:-1]} is not supported; supported: {SUPPORTED}")
    taking = [name for name in names if name.lower() in TAKING]
    given = {}
    for what, defaults in (("activation_alpha", ALPHA), ("activation_beta", BETA)):
        values = node.take(what, 6, [])
        if len(values) > len(taking):
            node.refuse(f"{len(values)} values of {what}, the activations take {len(taking)}")
        for name in taking[len(values) :]:
            if name.lower() not in defaults:
                node.refuse(f"{what} has no value for activation {name}")
        given[what] = iter([*values, *(defaults[name.lower()] for name in taking[len(values) :])])
    alphas, betas = given["activation_alpha"], given["activation_beta"]
    return [
        _Named(name, next(alphas), next(betas)) if name.lower() in TAKING else _Named(name, 0, 0)
        for name in names
    ]


def _gate(node: Node, found: _Named) -> ScaledSquash:
    if found.word == "sigmoid":
        return ScaledSquash("sigma")
    if found.word == "hardsigmoid" and found.alpha:
        return ScaledSquash("hard", found.alpha, found.beta)
    node.refuse(f"activation {found} of the gates is not supported; supported: {OF_GATES}")


def _g(node: Node, found: _Named) -> ScaledSquash:
    if found.word in PLAIN:
        return ScaledSquash(PLAIN[found.word])
    if found.word in ("hardsigmoid", "affine") and found.alpha:
        squash = {"hardsigmoid": "hard", "affine": "identity"}[found.word]
        return ScaledSquash(squash, found.alpha, found.beta)
    if found.word == "scaledtanh" and found.beta:
        if found.alpha == 2:  # 2 tanh(beta a) = g1997(2 beta a)
            return ScaledSquash("g1997", 2 * found.beta)
        if found.alpha == 1:  # the rows stay as they are where a squashing function has the slope
            return ScaledSquash("h1997") if found.beta == 0.5 else ScaledSquash("tanh", found.beta)
    node.refuse(f"activation {found} of the cell input is not supported; supported: {OF_G}")


def _h(node: Node, found: _Named) -> str:
    names = {
        **{(word, 0, 0): name for word, name in PLAIN.items()},
        ("scaledtanh", 1, 1): "tanh",
        ("scaledtanh", 2, 0.5): "g1997",
        ("scaledtanh", 1, 0.5): "h1997",
        ("affine", 1, 0): "identity",
        ("hardsigmoid", 1, 0): "hard",
    }
    squash = names.get((found.word, found.alpha, found.beta))
    if squash is None:
        node.refuse(f"activation {found} of the cell output is not supported; supported: {OF_H}")
    return squash
