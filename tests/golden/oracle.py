"""The cell in plain Python, one number at a time, from the papers' equations.

Written from the equations and not from the code that it judges: no arrays, no slices.
"""

import math

SCALAR = {
    "sigma": lambda a: 1 / (1 + math.exp(-a)),
    "tanh": math.tanh,
    "g1997": lambda a: 4 / (1 + math.exp(-a)) - 2,
    "h1997": lambda a: 2 / (1 + math.exp(-a)) - 1,
    "identity": lambda a: a,
    "hard": lambda a: 0.0 if a < 0 else 1.0 if a > 1 else a,
}


def limited(a, ends):
    """`a`, or the end that it lies beyond."""
    return a if ends is None else min(max(a, ends[0]), ends[1])


def weighted(row, values):
    """The sum of the products of two rows."""
    total = 0.0
    for weight, value in zip(row, values, strict=True):
        total += float(weight) * float(value)
    return total


def run_layer(layer, x, s, y, gates):
    """Every signal of the steps x, in the order given, from (s, y, gates), and the state after."""
    shape, size = layer.shape, layer.block_size
    gate_of, g, h = SCALAR[layer.gate], SCALAR[layer.g], SCALAR[layer.h]
    signals = {name: [] for name in shape.signals}
    s, y, gates = list(s), list(y), list(gates)
    for now in x:
        u = [*now, *y, *(gates if layer.gate_recurrence else [])]

        def net(kind, row, u=u):
            return float(layer.biases[kind][row]) + weighted(layer.weights[kind][row], u)

        def opened(kind, block, state, net=net):
            """A gate, which sees the state (of its one cell) where there are peepholes."""
            a = net(kind, block)
            if layer.peepholes:
                a += float(layer.peepholes[kind][block]) * state[block]
            return gate_of(limited(a, layer.clip.get("gate")))

        found = {"i": [opened("i", b, s) for b in range(shape.blocks)]}
        if "f" in layer.weights:
            found["f"] = [opened("f", b, s) for b in range(shape.blocks)]
        found["g"] = [g(limited(net("g", c), layer.clip.get("g"))) for c in range(shape.cells)]
        after = []
        for c in range(shape.cells):
            i = found["i"][c // size]
            f = found["f"][c // size] if "f" in found else 1 - i if layer.coupled else 1.0
            after.append(f * s[c] + i * found["g"][c])
        s = after
        found["s"] = s
        found["o"] = [opened("o", b, s) for b in range(shape.blocks)]
        y = [found["o"][c // size] * h(s[c]) for c in range(shape.cells)]
        if layer.projection is not None:
            found["m"] = y
            y = [weighted(row, found["m"]) for row in layer.projection]
        found["y"] = y
        gates = [value for kind in shape.gates for value in found[kind]]
        for name in signals:
            signals[name].append(found[name])
    return signals, (s, y, gates)


def start(layer):
    """The state that a sequence starts from."""
    shape, given = layer.shape, layer.initial
    return (
        list(given.get("s", [0.0] * shape.cells)),
        list(given.get("y", [0.0] * shape.outputs)),
        [0.0] * (len(shape.gates) * shape.blocks),
    )


def joined(parts):
    """The rows of layers side by side as one."""
    return [[value for row in rows for value in row] for rows in zip(*parts, strict=True)]


def run(net, x):
    """Every layer's signals over one sequence x (T rows), and what leaves, from the first state."""
    traces, given, parts, own = [], x, [], []
    for layer in net.layers:
        if traces and not layer.beside:  # a new stage
            given, parts, own = joined(parts), [], []
        order = given[::-1] if layer.reverse else given
        signals, (_, last, _) = run_layer(layer, order, *start(layer))
        if layer.reverse:
            signals = {name: rows[::-1] for name, rows in signals.items()}
        traces.append(signals)
        parts.append(signals["y"])
        own.append([last])
    rows = joined(own if net.output == "final" else parts)
    rows = rows[-1:] if net.output == "last" else rows
    for stage in net.head:
        rows = [dense(stage, row) for row in rows]
    return traces, rows


def dense(stage, row):
    """One row of a dense stage's outputs."""
    pairs = zip(stage.weights, stage.biases, strict=True)
    return [SCALAR[stage.squash](weighted(w, row) + float(b)) for w, b in pairs]
