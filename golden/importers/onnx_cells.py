"""LSTM cells that are written out for one step, as LSTM operators.

    net = x W + h R + b                          MatMul or Gemm, and Add
    i, f, g, o = Split(net)                      in any order
    c' = Sigmoid(f) c + Sigmoid(i) Tanh(g)       h' = Sigmoid(o) Tanh(c')

Models that stream are so exported: h and c are inputs of the graph, and h' and c' come back as such
at the next step. A sequence that is unrolled into its steps is refused.
"""

import heapq
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers.onnx_graph import label, tensor
from golden.importers.onnx_refusals import UNROLLED
from golden.squash import Array

ROWS = "iofc"  # of the operator's W, R and B
FLOAT, INT64, INT = 1, 7, 2  # of tensors, and of an attribute
OURS = "cell of one step "  # begins the names that are made here
PRODUCTS = ("MatMul", "Gemm")


@dataclass(frozen=True)
class _Gates:
    """What follows the net input of a cell.

    Attributes
    ----------
    order : by row block of the operator, i, o, f or c, which part of the net input it is.
    c, c_new, h_new : the names of c, c' and h'.
    nodes : the numbers of the nodes.
    """

    order: dict[str, int]
    c: str
    c_new: str
    h_new: str
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class _Cell:
    """A cell: its node's name, its gates, the names of x and h, all its nodes, its numbers."""

    name: str
    gates: _Gates
    x: str
    h: str
    nodes: frozenset[int]
    w: Array
    r: Array
    b: Array


class _Graph:
    """Who makes a tensor, and who takes it."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.stored = {proto.name: proto for proto in graph.initializer}
        self.inputs = {e.name: k for k, e in enumerate(graph.input) if e.name not in self.stored}
        self.made: dict[str, int] = {}
        self.takers: dict[str, list[int]] = defaultdict(list)
        for k, node in enumerate(graph.node):
            self.made |= dict.fromkeys(node.output, k)
            for name in node.input:
                self.takers[name].append(k)
        for entry in graph.output:
            self.takers[entry.name].append(-1)

    def by(self, name: str, *ops: str) -> int | None:
        """The node that makes it, if it is one of these operators."""
        k = self.made.get(name)
        return k if k is not None and self.graph.node[k].op_type in ops else None

    def only(self, name: str, *ops: str) -> int | None:
        """The one node that takes it, if it is one of these operators."""
        taken = self.takers[name]
        if len(taken) != 1 or taken[0] < 0 or self.graph.node[taken[0]].op_type not in ops:
            return None
        return taken[0]

    def constant(self, name: str) -> Array | None:
        """A stored float tensor."""
        proto = self.stored.get(name)
        if proto is None and (k := self.by(name, "Constant")) is not None:
            proto = next((a.t for a in self.graph.node[k].attribute if a.name == "value"), None)
        if proto is None or proto.data_type != FLOAT:
            return None
        return tensor(proto, name).astype(np.float64)

    def source(self, name: str) -> int | None:
        """The number of the graph input that a tensor is arranged of."""
        for _ in range(len(self.graph.node) + 1):
            if name in self.inputs:
                return self.inputs[name]
            k = self.by(name, *ARRANGING)
            if k is None or not self.graph.node[k].input:
                return None
            name = self.graph.node[k].input[0]
        return None  # a circle


ARRANGING = ("Slice", "Gather", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Identity", "Split")


def joined_cells(graph: Any, opset: int) -> dict[str, str]:
    """Put an LSTM operator in the place of each cell of a graph, in place.

    Returns
    -------
    The name of each such operator's X, and what the file calls it.

    Raises
    ------
    ModelError : a cell whose h and c are no inputs of the graph.
    """
    view = _Graph(graph)
    splits = [k for k, node in enumerate(graph.node) if node.op_type == "Split"]
    seen = {k: gates for k in splits if (gates := _gates(view, k)) is not None}
    cells = []
    for k, gates in seen.items():
        cell = _cell(view, k, gates)
        if cell is None:
            raise ModelError(f"{label(graph.node[k])}: {UNROLLED}")
        cells.append(cell)
    if not cells:
        return {}
    gone = frozenset[int]().union(*(cell.nodes for cell in cells))
    left = [node for k, node in enumerate(graph.node) if k not in gone]
    nodes = [*left]
    for number, cell in enumerate(cells):
        nodes += _operator(graph, cell, number, opset)
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(_sorted(copies))
    return {_raised("x", number, cell): cell.x for number, cell in enumerate(cells)}


def _gates(view: _Graph, split: int) -> _Gates | None:
    """The gates of the cell whose net input a Split parts, if it is one."""
    node = view.graph.node[split]
    acts = [k for name in node.output if (k := view.only(name, "Sigmoid", "Tanh")) is not None]
    kinds = [view.graph.node[k].op_type for k in acts]
    if sorted(kinds) != ["Sigmoid", "Sigmoid", "Sigmoid", "Tanh"] or len(node.output) != 4:
        return None
    gates = {view.graph.node[k].output[0]: n for n, k in enumerate(acts)}
    found = _cell_state(view, gates, kinds.index("Tanh"))
    return found and replace(found, nodes=(split, *acts, *found.nodes))


def _cell(view: _Graph, split: int, gates: _Gates) -> _Cell | None:
    """The cell of these gates, which is one of x, h and c."""
    node = view.graph.node[split]
    parts = _net_input(view, node.input[0])
    if parts is None or view.source(gates.c) is None:
        return None
    sums, products, bias = parts
    sides = _sides(view, products, gates.c, len(bias) // 4)
    if sides is None:
        return None
    (x, w), (h, r) = sides
    blocks = np.arange(len(bias)).reshape(4, -1)
    rows = np.concatenate([blocks[gates.order[kind]] for kind in ROWS])
    nodes = frozenset((*gates.nodes, *sums))
    return _Cell(
        node.name or node.output[0], gates, x, h, nodes, w[:, rows], r[:, rows], bias[rows]
    )


def _cell_state(view: _Graph, gates: dict[str, int], g: int) -> _Gates | None:
    """What makes c' and h' of the gates; `gates` are their parts by what they give, `g` one."""
    nodes, by_number = view.graph.node, {n: name for name, n in gates.items()}
    entering = view.only(by_number[g], "Mul")
    if entering is None:
        return None
    i = next((gates[name] for name in nodes[entering].input if gates.get(name, g) != g), None)
    total = view.only(nodes[entering].output[0], "Add")
    if i is None or total is None or view.only(by_number[i], "Mul") != entering:
        return None
    others = [name for name in nodes[total].input if name != nodes[entering].output[0]]
    kept = view.by(others[0], "Mul") if len(others) == 1 else None
    if kept is None or view.only(others[0], "Add") != total:
        return None
    f = next((gates[name] for name in nodes[kept].input if name in gates), None)
    held = [name for name in nodes[kept].input if name not in gates]
    c_new = nodes[total].output[0]
    squashed = [k for k in view.takers[c_new] if k >= 0 and nodes[k].op_type == "Tanh"]
    if f is None or len(held) != 1 or len(squashed) != 1:
        return None
    leaving = view.only(nodes[squashed[0]].output[0], "Mul")
    if leaving is None:
        return None
    o = next((gates[name] for name in nodes[leaving].input if name in gates), None)
    if o is None or sorted((i, f, g, o)) != [0, 1, 2, 3]:
        return None
    if (view.only(by_number[f], "Mul"), view.only(by_number[o], "Mul")) != (kept, leaving):
        return None
    order = {"i": i, "o": o, "f": f, "c": g}
    used = entering, total, kept, squashed[0], leaving
    return _Gates(order, held[0], c_new, nodes[leaving].output[0], used)


def _net_input(view: _Graph, name: str) -> tuple[list[int], list[tuple[str, Array]], Array] | None:
    """The nodes of a sum, its two products (what is multiplied, weights (D, 4 C)), its bias."""
    used: list[int] = []
    products: list[tuple[str, Array]] = []
    bias, todo = np.zeros(1), [name]
    while todo:
        one = todo.pop()
        if (values := view.constant(one)) is not None:
            bias = bias + values.reshape(-1)
            continue
        k = view.by(one, "Add", *PRODUCTS)
        if k is None or len(view.takers[one]) != 1 or len(used) > 6:
            return None
        used.append(k)
        node = view.graph.node[k]
        if node.op_type == "Add":
            todo += node.input
            continue
        said = {a.name: a.i if a.type == INT else a.f for a in node.attribute}
        weights = view.constant(node.input[1])
        plain = all(said.get(at, 1.0) == 1.0 for at in ("alpha", "beta"))
        if weights is None or weights.ndim != 2 or not plain or said.get("transA"):
            return None
        products.append((node.input[0], weights.T if said.get("transB") else weights))
        todo += [each for each in node.input[2:] if each]
    if len(products) != 2 or len({w.shape[1] for _, w in products}) != 1:
        return None
    width = products[0][1].shape[1]
    if width % 4 or bias.size not in (1, width):
        return None
    return used, products, np.broadcast_to(bias, (width,)) + 0.0


def _sides(
    view: _Graph, products: list[tuple[str, Array]], c: str, cells: int
) -> tuple[tuple[str, Array], tuple[str, Array]] | None:
    """The products of x and of h: h is arranged of an input of the graph, of as many values as
    there are cells; of two such it is that of c's own input, or the one that comes later."""
    sources = [view.source(name) for name, _ in products]
    fit = [k for k in (0, 1) if sources[k] is not None and len(products[k][1]) == cells]
    if not fit:
        return None
    h = max(fit, key=lambda k: (sources[k] == view.source(c), sources[k] or 0))
    return products[1 - h], products[h]


def _operator(graph: Any, cell: _Cell, number: int, opset: int) -> list[Any]:
    """The nodes of an LSTM of one step."""
    kind, prefix = type(graph.node[0]), f"{OURS}{number} "
    found = []

    def node(op: str, inputs: list[str], outputs: list[str], axes: list[int] | None = None) -> None:
        made = kind(op_type=op, name=cell.name, input=inputs, output=outputs)
        if axes is not None and opset < 13:
            made.attribute.add(name="axes", type=7, ints=axes)
        elif axes is not None:
            made.input.append(stored(f"axes {len(found)}", np.array(axes, np.int64), INT64))
        found.append(made)

    def stored(what: str, values: np.ndarray, of: int) -> str:
        name = f"{prefix}{what} {cell.name}"
        graph.initializer.add(name=name, data_type=of, dims=values.shape, raw_data=values.tobytes())
        return name

    weights = {"W": cell.w.T[None], "R": cell.r.T[None], "B": np.concatenate([cell.b, 0 * cell.b])}
    weights["B"] = weights["B"][None]
    inputs = [stored(key, values.astype(np.float64), 11) for key, values in weights.items()]
    raised = {key: _raised(key, number, cell) for key in ("x", "h", "c")}
    for key, name in (("x", cell.x), ("h", cell.h), ("c", cell.gates.c)):
        node("Unsqueeze", [name], [raised[key]], [0])
    outputs = [f"{prefix}{key} {cell.name}" for key in ("y", "y_h", "y_c")]
    node("LSTM", [raised["x"], *inputs, "", raised["h"], raised["c"]], outputs)
    node("Squeeze", [outputs[0]], [cell.gates.h_new], [0, 1])
    node("Squeeze", [outputs[2]], [cell.gates.c_new], [0])
    return found


def ours(name: str) -> bool:
    """Whether a tensor's name is none of the file but one made here."""
    return name.startswith(OURS)


def _raised(key: str, number: int, cell: _Cell) -> str:
    return f"{OURS}{number} {key} {cell.name}, raised"


def _sorted(nodes: list[Any]) -> list[Any]:
    """Each node behind those that make what it takes, else in the order in which they come."""
    made = {name: k for k, node in enumerate(nodes) for name in node.output}
    needs = [{made[name] for name in node.input if name in made} for node in nodes]
    takers: dict[int, list[int]] = defaultdict(list)
    for k, need in enumerate(needs):
        for each in need:
            takers[each].append(k)
    left = [len(need) for need in needs]
    ready = [k for k, count in enumerate(left) if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        order.append(k := heapq.heappop(ready))
        for taker in takers[k]:
            left[taker] -= 1
            if not left[taker]:
                heapq.heappush(ready, taker)
    return [nodes[k] for k in order]
