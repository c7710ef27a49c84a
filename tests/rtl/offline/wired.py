"""Networks with reverse layers whose stages read what others give."""

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from golden.wiring import Numbers
from tests.rtl.offline.test_parts import layers_of
from tests.rtl.support import quantized

FUNCTIONS = ("identity", "sigma", "tanh", "relu", "hardtanh")


class Wiring:
    """A network that is made stage by stage.

    Parameters
    ----------
    rng : of all weights.
    layers : how many there will be; two of a pair count as two.
    stem : how many dense stages in front of and between them.
    inputs : of the network.
    """

    def __init__(self, rng: np.random.Generator, layers: int, stem: int, inputs: int):
        self.rng, self.count, self.first_head = rng, layers, layers + stem
        self.widths = {-1: inputs}
        self.reads: dict[int, Numbers] = {}
        self.layers: list[Layer] = []
        self.dense: list[Dense] = []

    def _read(self, k: int, read: Numbers) -> int:
        self.reads[k] = tuple(sorted(read))
        return sum(self.widths[j] for j in read)

    def cells(self, letter: str, read: Numbers, **options) -> Numbers:
        """A layer, or a pair of them; by which number they go."""
        first = len(self.layers)
        found = layers_of(self.rng, letter, sum(self.widths[j] for j in read), **options)
        for k, layer in enumerate(found, first):
            self._read(k, read)
            self.widths[k] = layer.shape.outputs
        self.layers += found
        return tuple(range(first, len(self.layers)))

    def units(self, read: Numbers, units: int, squash: str = "identity") -> Numbers:
        """A dense stage."""
        k, inputs = self.count + len(self.dense), self._read(self.count + len(self.dense), read)
        weights = self.rng.normal(size=(units, inputs)) / np.sqrt(inputs)
        self.dense.append(Dense(weights, self.rng.normal(size=units), squash))
        self.widths[k] = units
        return (k,)

    def network(self, output: str = "every") -> Network:
        stem = self.first_head - self.count
        return Network(
            tuple(self.layers),
            tuple(self.dense[stem:]),
            "wired",
            output=output,
            stem=tuple(self.dense[:stem]),
            reads=tuple(self.reads[k] for k in range(len(self.reads))),
        )

    def quantized(self, output: str = "every") -> QuantizedNetwork:
        return quantized(self.network(output), self.rng, 12)


def branches() -> Wiring:
    """A reverse layer and a pair of the same input, and a sigma of it, all joined."""
    made = Wiring(np.random.default_rng(4), 3, 1, 3)
    gate = made.units((-1,), 3, "sigma")
    reverse = made.cells("r", gate)
    made.units((*gate, *reverse, *made.cells("p", (-1,))), 2, "tanh")
    return made


def random_wired(seed: int) -> QuantizedNetwork:
    """Up to three groups of layers, dense stages in front of some, up to two behind; every stage
    reads the one before, and now and then others or the input."""
    rng = np.random.default_rng([30, seed])
    letters = [str(each) for each in rng.choice(list("ffrrp"), int(rng.integers(1, 4)))]
    letters[int(rng.integers(len(letters)))] = str(rng.choice(["r", "p"]))
    stems = [bool(rng.random() < 0.5) for _ in letters]
    made = Wiring(rng, len(letters) + letters.count("p"), sum(stems), int(rng.integers(1, 5)))
    last: Numbers = (-1,)

    def read() -> Numbers:
        return tuple({*last, *(j for j in made.widths if rng.random() < 0.3)})

    def dense() -> Numbers:
        return made.units(read(), int(rng.integers(1, 5)), str(rng.choice(FUNCTIONS)))

    for letter, stem in zip(letters, stems, strict=True):
        last = dense() if stem else last
        options = {"peepholes": True} if rng.random() < 0.2 else {}
        options |= {"projection": 2} if rng.random() < 0.2 else {}
        last = made.cells(letter, read(), **options)
    behind = int(rng.integers(3))
    for _ in range(behind):
        last = dense()
    return made.quantized(str(rng.choice(["every", "last"])))
