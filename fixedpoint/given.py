"""What a stage reads, in codes: values of several formats, as one vector of one format.

It is as wide as the widest of them and as coarse as the coarsest. A value that is finer has a scale
of its own: its code counts 2^scale times as finely, and its weights take that away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.formats import Format, Formats
from golden.cell import Layer
from golden.dense import Dense
from golden.shape import Stacked
from golden.wiring import INPUT


def read_fracs(net: Stacked, k: int, inputs: Codes, given: Sequence[Format]) -> Codes:
    """(D,) the fraction bits of all that stage k reads.

    Parameters
    ----------
    inputs : those of the elements of the network's input.
    given : the formats of what the layers give, then the dense stages.
    """
    parts = [
        inputs if source == INPUT else np.full(net.width(source), given[source].frac)
        for source in net.sources[k]
    ]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Given:
    """The values that a stage reads.

    Attributes
    ----------
    form : the format of all.
    scales : (D,) by how many fraction bits each is finer.
    """

    form: Format
    scales: Codes

    @classmethod
    def by(cls, net: Stacked, k: int, formats: Formats) -> "Given":
        """What stage k reads, in these formats."""
        dense = (*formats.stem, *formats.head)
        given = [*(layer.y for layer in formats.layers), *(stage.out for stage in dense)]
        inputs = np.broadcast_to(formats.scales + formats.input.frac, (net.inputs,))
        columns = read_fracs(net, k, inputs, given)
        forms = {formats.input if source == INPUT else given[source] for source in net.sources[k]}
        widest = max(form.width + (not form.signed) for form in forms)
        form = Format(widest, int(columns.min())) if len(forms) > 1 else forms.pop()
        return cls(form, columns - form.frac)

    def layer(self, layer: Layer) -> Layer:
        """The layer, for values that are as much larger as they are finer."""
        if not self.scales.any():
            return layer
        cut = layer.shape.columns["x"]
        weights = {kind: rows.copy() for kind, rows in layer.weights.items()}
        for rows in weights.values():
            rows[:, cut] = np.ldexp(rows[:, cut], -self.scales)
        return replace(layer, weights=weights)

    def dense(self, stage: Dense) -> Dense:
        """The dense stage, for values that are as much larger as they are finer."""
        return replace(stage, weights=np.ldexp(stage.weights, -self.scales))
