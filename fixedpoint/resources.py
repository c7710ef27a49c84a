"""The memories and multipliers that a core has, from the integer network alone.

What depends on the order of the work is an argument; `rtl.program.program.Program` knows it of a
core.
"""

from collections.abc import Callable

from fixedpoint.network import QuantizedNetwork
from fixedpoint.paths import Paths


def _as_it_is(_: str, bits: int) -> int:
    return bits


def memories(
    qnet: QuantizedNetwork,
    *,
    streams: int = 1,
    elements: int | None = None,
    index_width: int = 0,
    loadable: bool = False,
    stored: Callable[[str, int], int] = _as_it_is,
) -> dict[str, int]:
    """Bits by what they hold; without what the network does not need.

    Left out are the program, weight words that no row fills, biases, outputs that wait to be taken.

    Parameters
    ----------
    streams : sequences that the core processes in parallel.
    elements : of the input that are shown a step; default all.
    index_width : bits that say which one an element is.
    loadable : whether memories have room for another network's numbers too.
    stored : the bits of a word as it is stored, by what it is and the bits of that.
    """
    paths, shapes = Paths.of(qnet), [layer.shape for layer in qnet.layers]
    codes = sum(each.weights.size for each in qnet.rows.values())
    shown = qnet.inputs if elements is None else elements
    outputs = streams * sum(shape.cells + (shape.projection or 0) for shape in shapes)
    outputs += streams * sum(map(qnet.width, qnet.stored))
    states = streams * sum(shape.cells for shape in shapes)
    recurrent = any(shape.gate_recurrence for shape in shapes)
    gates = recurrent * streams * sum(shape.state["gates"] for shape in shapes)
    starts = {
        name: loadable or any(getattr(layer.initial, name).any() for layer in qnet.layers)
        for name in "sy"
    }
    s, y = stored("states", paths.s), stored("outputs", paths.y)
    found = {
        "weights": codes * stored("weights", paths.weight),
        "sigma": (len(qnet.table.knots) - 1) * stored("sigma", sum(qnet.table.word_widths)),
        "input": 2 * streams * shown * stored("input", qnet.formats.input.width + index_width),
        "outputs": 2 * outputs * y,
        "gates": 2 * gates * stored("gates", paths.gate),
        "states": states * s,
        "initial state": starts["s"] * states * s + starts["y"] * outputs * y,
    }
    return {name: bits for name, bits in found.items() if bits}


def tail_multipliers(
    qnet: QuantizedNetwork, *, rows: int = 1, one_sigma: bool = False
) -> list[tuple[int, int]]:
    """Bits of the two operands of each multiplier behind the lanes, signed.

    One interpolates sigma for each of its readers: each row at once, cells, and peepholes' o; cells
    take i g, o h and, where f is not 1 by wiring, f s; peepholes one for i and f, one for o.

    Parameters
    ----------
    rows : that the tail takes at once.
    one_sigma : whether rows and cells take turns at one table.
    """
    paths, shapes = Paths.of(qnet), [layer.shape for layer in qnet.layers]
    gate, seeing = paths.gate + 1, paths.peephole > 0
    sigmas = rows + (bool(shapes) and not one_sigma) + seeing
    found = [(qnet.table.word_widths[1] + 1, qnet.table.low_bits + 1)] * sigmas
    found += [(gate, paths.g), (gate, paths.h)] * bool(shapes)
    found += [(gate, paths.s)] * any("f" in shape.gates or shape.coupled for shape in shapes)
    return found + [(paths.peephole, paths.s)] * (2 * seeing)
