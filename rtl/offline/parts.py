"""A network with reverse layers, split into parts that each run in one direction.

A part sees its own time: its layers run forward over what it is given, and a reverse one is given
the sequence from its last step to its first. It is given all that its stages read of others, side
by side; what one of them does not read has weights of 0, which take no clock. Where the network is
cut, `rtl.offline.cuts` says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from fixedpoint.paths import signed_width
from golden import wiring
from golden.wiring import INPUT, Numbers
from rtl.offline.cuts import Cuts
from rtl.schedule.rows import Row

ZERO = -1  # in the place of a column's number: a column of zeros


@dataclass(frozen=True)
class Part:
    """Some stages of a network, as a network that runs forward.

    Attributes
    ----------
    qnet : the part's own network, of the whole network's codes, formats and table.
    layers, dense : which of the whole network's stages it has, by number.
    reads : the groups of parts whose values it is given; -1 is the network's input.
    reverse : it is given the steps from the last to the first.
    leaving : which of its own steps leave it: "every", the "first" or the "last".
    once : it is given one step of a sequence only, the one whose output leaves.
    out : what the whole network calls the rows of its readout, "out" or "stem".
    """

    qnet: QuantizedNetwork
    layers: Numbers
    dense: Numbers = ()
    reads: Numbers = (INPUT,)
    reverse: bool = False
    leaving: str = "every"
    once: bool = False
    out: str = "out"

    def whole(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Rows of the part's network as rows of the whole one."""
        numbers = (*self.layers, *self.dense)
        return tuple(
            replace(row, layer=numbers[row.layer], kind=self.kind(row.kind)) for row in rows
        )

    def kind(self, own: str) -> str:
        """What the whole network calls a kind of rows."""
        return self.out if own == "out" else own


def split(qnet: QuantizedNetwork) -> tuple[tuple[Part, ...], ...]:
    """The parts in order of the data; those of a group, a forward and a reverse one, have the same
    input, and what they give is joined step by step."""
    cuts = Cuts.of(qnet)
    return tuple(_group(cuts, number) for number, _ in enumerate(cuts.runs))


def _group(cuts: Cuts, number: int) -> tuple[Part, ...]:
    """The part that does a run, or the two of layers side by side."""
    last = cuts.runs[number][-1]
    if len(last) == 2:
        return tuple(_part(cuts, number, ((k,),)) for k in last)
    return (_part(cuts, number, cuts.runs[number]),)


def _part(cuts: Cuts, number: int, run: tuple[Numbers, ...]) -> Part:
    qnet, stages = cuts.qnet, [k for (k,) in run]
    layers = tuple(k for k in stages if k < len(qnet.layers))
    reverse = bool(layers) and qnet.layers[layers[0]].shape.reverse
    heads = [k for k in stages if k >= qnet.first_head]
    ends = [k for k in stages[-1:] if k >= len(qnet.layers)]  # what a part ends with is its readout
    head = tuple(heads or ends)
    stem = tuple(k for k in stages if k >= len(qnet.layers) and k not in head)
    leaving, once = _leaving(cuts, number, reverse), cuts.one_step and number == len(cuts.runs) - 1
    made = _network(_Columns(cuts, number, (*layers, *stem, *head)), layers, stem, head)
    return Part(
        replace(made, output="last" if leaving == "last" else "every"),
        layers,
        (*stem, *head),
        cuts.entry(number),
        reverse,
        leaving,
        once,
        "out" if heads or not head else "stem",
    )


def _leaving(cuts: Cuts, number: int, reverse: bool) -> str:
    """Which of a part's own steps count: a reverse one does the sequence's last step first."""
    ends, output = number == len(cuts.runs) - 1, cuts.qnet.output
    if cuts.one_step:
        ends = number == cuts.last_layers
    if output == "every" or not ends:
        return "every"
    return "first" if output == "last" and reverse else "last"


@dataclass(frozen=True)
class _Columns:
    """What stages of a part read in it.

    Attributes
    ----------
    cuts, number : the network, and which of its runs the part belongs to.
    inside : the part's stages, by their numbers in the whole network, in order.
    """

    cuts: Cuts
    number: int
    inside: Numbers

    @property
    def form(self) -> Format:
        """The format of all that the part is given."""
        read = [j for each in self.cuts.entry(self.number) for j in self.cuts.given(each)]
        forms = list(dict.fromkeys(form_of(self.cuts.qnet, j) for j in read))
        if len(forms) == 1:
            return forms[0]
        return Format(max(map(signed_width, forms)), min(form.frac for form in forms))

    def reads(self, k: int) -> Numbers:
        """The stages that stage k reads, by their numbers in the part."""
        read = self.cuts.qnet.sources[k]
        own = tuple(self.inside.index(j) for j in read if j in self.inside)
        return own if len(own) == len(read) else (INPUT, *own)

    def places(self, k: int) -> Codes:
        """For each column of stage k in the part its number in the whole network, or `ZERO`."""
        net = self.cuts.qnet
        first, places = 0, dict[int, list[int]]()
        for j in net.sources[k]:
            places[j] = list(range(first, first := first + net.width(j)))
        found = []
        if set(places) - set(self.inside):
            for each in self.cuts.entry(self.number):
                for j in self.cuts.given(each):
                    found += places.get(j, [ZERO] * net.width(j))
        return np.array(found + [n for j in places if j in self.inside for n in places[j]])


def form_of(qnet: QuantizedNetwork, k: int) -> Format:
    """The format of what stage k gives; the network's input is -1."""
    if k == INPUT:
        return qnet.formats.input
    layers = len(qnet.layers)
    return qnet.formats.layers[k].y if k < layers else qnet.dense[k - layers].target


def _network(columns: _Columns, layers: Numbers, stem: Numbers, head: Numbers) -> QuantizedNetwork:
    """These stages, running forward: of the very same codes and formats."""
    qnet = columns.cuts.qnet
    forms = (*qnet.formats.stem, *qnet.formats.head)
    formats = replace(
        qnet.formats,
        input=columns.form,
        layers=tuple(qnet.formats.layers[k] for k in layers),
        stem=tuple(forms[k - len(qnet.layers)] for k in stem),
        head=tuple(forms[k - len(qnet.layers)] for k in head),
    )
    reads = tuple(columns.reads(k) for k in (*layers, *stem, *head))
    in_a_row = wiring.in_a_row([(k,) for k, _ in enumerate(layers)], len(head))
    return replace(
        qnet,
        layers=tuple(_layer(qnet.layers[k], columns.places(k)) for k in layers),
        stem=tuple(_dense(qnet.dense[k - len(qnet.layers)], columns.places(k)) for k in stem),
        head=tuple(_dense(qnet.dense[k - len(qnet.layers)], columns.places(k)) for k in head),
        reads=() if not stem and reads == in_a_row else reads,
        formats=formats,
        decides=False,
    )


def _layer(layer: QuantizedLayer, places: Codes) -> QuantizedLayer:
    """The layer, running forward, with other columns for its x."""
    shape = replace(layer.shape, inputs=len(places), reverse=False, beside=False)
    cut = layer.shape.inputs
    weights = {
        kind: np.hstack([_moved(rows[:, :cut], places), rows[:, cut:]])
        for kind, rows in layer.weights.items()
    }
    return replace(layer, shape=shape, weights=weights)


def _dense(stage: QuantizedDense, places: Codes) -> QuantizedDense:
    return replace(stage, weights=_moved(stage.weights, places))


def _moved(weights: Codes, places: Codes) -> Codes:
    """Columns in other places, and columns of zeros."""
    return np.where(places == ZERO, 0, weights[:, places])
