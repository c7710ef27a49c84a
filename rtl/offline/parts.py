"""A network with reverse layers, split into parts that each run in one direction.

A part sees its own time: its layers run forward over what it is given, and a reverse one is given
the sequence from its last step to its first. Consecutive layers of one direction are one part, and
so is the head with them; two directions side by side are two parts, and what sees their joined
outputs is the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fixedpoint.dense import QuantizedDense
from fixedpoint.network import QuantizedNetwork
from rtl.schedule.rows import Row


@dataclass(frozen=True)
class Part:
    """Some layers of a network, or its head, as a network that runs forward.

    Attributes
    ----------
    qnet : the part's own network, of the whole network's codes, formats and table.
    layers : which of the whole network's layers it has; none where it is the head alone.
    first_dense : the whole network's number of the first dense stage.
    reverse : it is given the steps from the last to the first.
    leaving : which of its own steps leave it: "every", the "first" or the "last".
    once : it is given one step of a sequence only, the one whose output leaves.
    """

    qnet: QuantizedNetwork
    layers: tuple[int, ...]
    first_dense: int
    reverse: bool = False
    leaving: str = "every"
    once: bool = False

    def whole(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Rows of the part's network as rows of the whole one."""
        dense = range(self.first_dense, self.first_dense + len(self.qnet.dense))
        numbers = (*self.layers, *dense)
        return tuple(replace(row, layer=numbers[row.layer]) for row in rows)


def split(qnet: QuantizedNetwork) -> tuple[tuple[Part, ...], ...]:
    """The parts in order of the data; those of a group, a forward and a reverse one, have the same
    input, and what they give is joined step by step."""
    groups = _groups(qnet)
    parts = []
    for group in groups:
        ends = group is groups[-1]
        leaving = [_leaving(qnet, layers) if ends else "every" for layers in group]
        # a head inside would also compute, and count, what does not leave
        apart, dense = len(group) == 2 or leaving == ["first"], len(qnet.layers)
        head = qnet.head if ends and not apart else ()
        parts.append(
            tuple(
                Part(
                    _network(qnet, layers, head, steps),
                    layers,
                    dense,
                    _reverse(qnet, layers),
                    steps,
                )
                for layers, steps in zip(group, leaving, strict=True)
            )
        )
        if ends and apart and qnet.head:
            alone = _network(qnet, (), qnet.head, "every")
            parts.append((Part(alone, (), dense, once=qnet.output != "every"),))
    return tuple(parts)


def _groups(qnet: QuantizedNetwork) -> list[list[tuple[int, ...]]]:
    """The stages, consecutive ones of a single direction merged: layers of each direction."""
    groups: list[list[tuple[int, ...]]] = []
    for stage in qnet.stages:
        alone = len(stage) == 1 and groups and len(groups[-1]) == 1
        if alone and _reverse(qnet, groups[-1][0]) == _reverse(qnet, stage):
            groups[-1] = [(*groups[-1][0], *stage)]
        else:
            groups.append([(k,) for k in stage])
    return groups


def _reverse(qnet: QuantizedNetwork, layers: tuple[int, ...]) -> bool:
    return qnet.layers[layers[0]].shape.reverse


def _leaving(qnet: QuantizedNetwork, layers: tuple[int, ...]) -> str:
    """Which of a last part's own steps count: a reverse one does the sequence's last step first."""
    if qnet.output == "last" and _reverse(qnet, layers):
        return "first"
    return "every" if qnet.output == "every" else "last"


def _network(
    qnet: QuantizedNetwork,
    layers: tuple[int, ...],
    head: tuple[QuantizedDense, ...],
    leaving: str,
) -> QuantizedNetwork:
    """These layers, running forward, and this head: of the very same codes and formats."""
    inner = [qnet.layers[k] for k in layers]
    formats = replace(
        qnet.formats,
        input=inner[0].input if inner else head[0].formats["x"][1],
        layers=tuple(qnet.formats.layers[k] for k in layers),
        head=qnet.formats.head if head else (),
    )
    forward = (
        replace(layer, shape=replace(layer.shape, reverse=False, beside=False)) for layer in inner
    )
    output = "last" if leaving == "last" else "every"
    return replace(
        qnet,
        layers=tuple(forward),
        head=head,
        formats=formats,
        output=output,
        decides=False,
    )
