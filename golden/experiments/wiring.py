"""The paper's networks before they have learnt anything: Table 10 as data."""

from dataclasses import dataclass, replace

import numpy as np

from golden.learning import Parameters
from golden.shape import Shape
from golden.squash import Array, squash

Generator = np.random.Generator

NO_GATE = 40.0  # sigma of this net input is 1.0, and its slope 0.0, to the last bit of float64


@dataclass(frozen=True)
class Wiring:
    """Blocks of 1997 cells between inputs and sigma outputs, and how their weights begin.

    Attributes
    ----------
    inputs, outputs, blocks, block_size : D, K, B, S.
    interval : weights begin uniform in [-interval, interval], and so do biases not given below.
    biased : who has a bias: of "gates", "cells", "outputs".
    input_gates, output_gates : the biases that the gates begin with, one for each block; none:
        as the weights.
    connectivity : "F": cells and gates see inputs, cells and gates, outputs see cells alone.
        "B": cells and input gates see inputs alone, outputs see inputs and cells, and no gate
        stands between a cell and the outputs.
    g, h : squashing functions of cell input and cell output.
    """

    inputs: int
    outputs: int
    blocks: int
    block_size: int
    interval: float
    biased: tuple[str, ...] = ("gates", "cells", "outputs")
    input_gates: tuple[float, ...] = ()
    output_gates: tuple[float, ...] = ()
    connectivity: str = "F"
    g: str = "g1997"
    h: str = "h1997"

    @property
    def weights(self) -> int:
        """How many weights and biases are learnt: the paper's W."""
        return sum(int(mask.sum()) for mask in self._learns())

    @property
    def shape(self) -> Shape:
        recurrent = self.connectivity == "F"
        return Shape(self.inputs, self.blocks, self.block_size, ("i", "o"), recurrent)

    def draw(self, rng: Generator, entropy: bool = False) -> Parameters:
        """Weights to begin with; those that do not exist are fixed at zero."""
        hidden_learns, readout_learns = self._learns()
        hidden = rng.uniform(-self.interval, self.interval, hidden_learns.shape) * hidden_learns
        readout = rng.uniform(-self.interval, self.interval, readout_learns.shape) * readout_learns
        functions = squash(self.g), squash(self.h), squash("sigma")
        shortcut = self.connectivity == "B"
        learns = hidden_learns, readout_learns
        p = Parameters(hidden, readout, self.shape, *functions, shortcut, entropy, learns)
        for kind, biases in (("i", self.input_gates), ("o", self.output_gates)):
            if biases:
                p.hidden[p.rows(kind), -1] = biases
        if self.connectivity == "B":
            p.hidden[p.rows("o"), -1] = NO_GATE
        return p

    def _learns(self) -> tuple[Array, Array]:
        """1.0 where a weight is learnt: hidden (R, N + 1), readout (K, C [+ D] + 1)."""
        shape, full = self.shape, self.connectivity == "F"
        gates = 2 * self.blocks
        hidden = np.ones((gates + shape.cells, shape.sources + 1))
        readout = np.ones((self.outputs, shape.cells + (0 if full else self.inputs) + 1))
        hidden[:gates, -1] = "gates" in self.biased
        hidden[gates:, -1] = "cells" in self.biased
        readout[:, -1] = "outputs" in self.biased
        if not full:
            hidden[:, shape.columns["y"]] = 0.0
            hidden[self.blocks : gates] = 0.0  # the output gates
        return hidden, readout


def without_cells(p: Parameters) -> Parameters:
    """A copy in which the cells are not heard yet: only weights into the outputs that do not come
    from a cell are learnt."""
    assert p.learns is not None
    hidden_learns, readout_learns = (mask.copy() for mask in p.learns)
    hidden_learns[:] = 0.0
    readout_learns[:, : p.shape.cells] = 0.0
    readout = p.readout.copy()
    readout[:, : p.shape.cells] = 0.0
    return replace(
        p, hidden=p.hidden.copy(), readout=readout, learns=(hidden_learns, readout_learns)
    )


def with_cells(p: Parameters, whole: Parameters) -> Parameters:
    """`p`, which came from `without_cells(whole)`, with the cells heard as in `whole`."""
    readout = p.readout.copy()
    readout[:, : p.shape.cells] = whole.readout[:, : p.shape.cells]
    return replace(p, readout=readout, learns=whole.learns)
