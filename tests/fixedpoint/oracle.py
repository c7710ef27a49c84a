"""The arithmetic of the cell once more, one number at a time, in whole numbers and fractions.

Written from the specification and not from the code that it judges: it takes formats, integer
weights and codes, and shares no arithmetic with `fixedpoint`. Every value is a Fraction; a code is
a Fraction times 2^frac. sigma comes in as a list of codes, one for every pre-activation code from
the lowest up (its own tests compare that list with the real sigma).
"""

import math
from collections import Counter
from fractions import Fraction

HALF = Fraction(1, 2)


def nearest(value: Fraction) -> int:
    """The nearest whole number, ties towards plus infinity."""
    return math.floor(value + HALF)


class Number:
    """A format as the oracle sees it."""

    def __init__(self, width, frac, signed):
        self.unit = Fraction(2) ** -frac
        self.least = -(2 ** (width - 1)) if signed else 0
        self.most = 2 ** (width - 1 if signed else width) - 1

    @classmethod
    def of(cls, form):
        return cls(form.width, form.frac, form.signed)

    def code(self, value: Fraction) -> tuple[int, bool]:
        """The code of a real value, rounded once and saturated, and whether it was saturated."""
        code = nearest(value / self.unit)
        return min(max(code, self.least), self.most), not self.least <= code <= self.most

    def value(self, code) -> Fraction:
        return int(code) * self.unit


# scale, slope, offset of scale * sigma(slope a) + offset
FUNCTIONS = {"sigma": (1, 1, 0), "tanh": (2, 2, -1), "g1997": (4, 1, -2), "h1997": (2, 1, -1)}


class Function:
    """A squashing function from a real net input to a code of `target`.

    The net input is rounded to the scale of sigma's argument divided by the slope, or for the
    (hard) identity to that of the target, and limited to the codes nearest to the ends of `clip`.
    """

    def __init__(self, name, argument, sigma_form, sigma_codes, target, clip=None):
        self.name, self.target, self.codes = name, target, sigma_codes
        self.argument, self.sigma_unit = argument, Fraction(2) ** -sigma_form.frac
        self.slope = FUNCTIONS[name][1] if name in FUNCTIONS else 1
        self.form = argument if name in FUNCTIONS else target
        ends = [self.form.least, self.form.most]
        if clip is not None:
            near = [nearest(Fraction(end) * self.slope / self.form.unit) for end in clip]
            ends = [min(max(code, ends[0]), ends[1]) for code in near]
        if name == "hard":
            ends = [min(max(code, 0), nearest(1 / self.form.unit)) for code in ends]
        self.least, self.most = ends

    def __call__(self, net: Fraction) -> tuple[int, bool]:
        """Code of the result, and whether the net input was saturated or limited."""
        wanted = nearest(net * self.slope / self.form.unit)
        code = min(max(wanted, self.least), self.most)
        if self.name not in FUNCTIONS:
            return code, code != wanted
        scale, _, offset = FUNCTIONS[self.name]
        sigma = self.codes[code - self.argument.least] * self.sigma_unit
        result, clipped = self.target.code(scale * sigma + offset)
        assert not clipped
        return result, code != wanted


class Cell:
    """One layer: its weights as lists of codes by kind, its formats, its functions.

    `real` is the float layer, for what the integer one must have derived from it: names of the
    functions, limits of net inputs, the kind of cell.
    """

    def __init__(self, layer, real, formats, sigma_codes):
        self.shape, form = layer.shape, layer.formats
        self.weights, self.biases, self.peepholes = layer.weights, layer.biases, layer.peepholes
        self.projection = layer.projection and layer.projection.weights
        self.coupled, self.reverse = real.coupled, real.reverse
        self.units = {source: Fraction(2) ** -f.frac for source, f in form.weights.items()}
        self.x, self.y, self.s, self.gate = map(Number.of, (layer.input, form.y, form.s, form.gate))
        self.m = Number.of(form.m or form.y)
        self.bias_unit = self.units["x"] * self.x.unit
        self.g_form, self.h_form = Number.of(form.g), Number.of(form.h)
        table = Number.of(formats.argument), formats.sigma, sigma_codes
        self.opened = Function(real.gate, *table, self.gate, real.clip.get("gate"))
        self.g = Function(real.g, *table, self.g_form, real.clip.get("g"))
        self.h = Function(real.h, *table, self.h_form)
        start = {"s": self.s, "y": self.y}
        self.start = [
            [number.code(Fraction(value))[0] for value in real.initial.get(part, [0.0] * width)]
            for (part, number), width in zip(
                start.items(), (self.shape.cells, self.shape.outputs), strict=True
            )
        ]
        self.start.append([0] * (len(self.shape.gates) * self.shape.blocks))

    def sources(self, x, y, gates):
        """The real values of a row's sources, each with the unit of its weights."""
        u = [(self.units["x"], self.x.value(code)) for code in x]
        u += [(self.units["y"], self.y.value(code)) for code in y]
        if self.shape.gate_recurrence:
            u += [(self.units["gates"], self.gate.value(code)) for code in gates]
        return u

    def net(self, kind, row, u):
        """The exact sum of a row."""
        total = int(self.biases[kind][row]) * self.bias_unit
        for weight, (unit, value) in zip(self.weights[kind][row].tolist(), u, strict=True):
            total += weight * unit * value
        return total

    def step(self, x, state, lost):
        """One step of one sequence: codes x; state (s, y, gates); `lost` counts saturations."""
        blocks, size, kinds = self.shape.blocks, self.shape.block_size, self.shape.gates
        s, y, gates = state
        u = self.sources(x, y, gates)
        out = {name: [] for name in self.shape.signals}

        def keep(name, found, count=None):
            """Note a code for the trace, and whether it was saturated."""
            code, clipped = found
            lost[count or name] += clipped
            if name in out:
                out[name].append(code)
            return code

        def gate(kind, block, states):
            net = self.net(kind, block, u)
            if self.peepholes:
                seen = int(self.peepholes[kind][block]) * self.units["s"]
                net += seen * self.s.value(states[block])
            keep(kind, self.opened(net))

        for kind in kinds:
            if kind != "o":
                for block in range(blocks):
                    gate(kind, block, s)
        for c in range(blocks * size):
            cell_input = self.g_form.value(keep("g", self.g(self.net("g", c, u))))
            i, before = self.gate.value(out["i"][c // size]), self.s.value(s[c])
            forget = Fraction(1)
            if self.coupled:
                forget = 1 - i
            elif "f" in kinds:
                forget = self.gate.value(out["f"][c // size])
            kept = nearest(forget * before / self.s.unit)
            added = nearest(i * cell_input / self.s.unit)
            keep("s", self.s.code((kept + added) * self.s.unit))
        for block in range(blocks):
            gate("o", block, out["s"])
        given = []
        for c in range(blocks * size):
            h = self.h_form.value(keep("h", self.h(self.s.value(out["s"][c]))))
            o = self.gate.value(out["o"][c // size])
            name = "y" if self.projection is None else "m"
            given.append(keep(name, self.m.code(o * h)))
        if self.projection is not None:
            for row in self.projection.tolist():
                pairs = zip(row, given, strict=True)
                total = sum(w * self.units["m"] * self.m.value(code) for w, code in pairs)
                keep("y", self.y.code(total))
        return out, (out["s"], out["y"], [code for kind in kinds for code in out[kind]])

    def run(self, rows, lost):
        """Codes of x, step by step, to every signal's rows; a reverse layer begins at the end."""
        trace, state = [], tuple(self.start)
        for x in rows[::-1] if self.reverse else rows:
            signals, state = self.step(x, state, lost)
            trace.append(signals)
        if self.reverse:
            trace.reverse()
        return {name: [signals[name] for signals in trace] for name in self.shape.signals}, state


def run(qnet, net, codes):
    """Codes (T, D) from the first state: {signal: list of rows} by layer, out, saturations.

    `net` is the float network that `qnet` was made from.
    """
    sigma_codes = qnet.table.values.tolist()
    traces, lost, given, parts, own = [], Counter(), codes.tolist(), [], []
    for k, (layer, real) in enumerate(zip(qnet.layers, net.layers, strict=True)):
        if traces and not real.beside:  # a new stage
            given, parts, own = joined(parts), [], []
        count = Counter()
        signals, (_, last, _) = Cell(layer, real, qnet.formats, sigma_codes).run(given, count)
        traces.append(signals)
        parts.append(signals["y"])
        own.append([last])
        lost.update({f"{k}.{name}": n for name, n in count.items()})
    rows = joined(own if net.output == "final" else parts)
    rows = rows[-1:] if net.output == "last" else rows
    inner = []
    for k, (stage, form) in enumerate(zip(qnet.head, qnet.formats.head, strict=True), 1):
        name = "out" if k == len(qnet.head) else f"{len(qnet.layers) + k - 1}.dense"
        lost[name] = 0
        inner.append(rows := [_dense(qnet, stage, form, row, lost, name) for row in rows])
    return traces, inner[:-1], rows, lost


def joined(parts):
    """The rows of layers side by side as one."""
    return [[code for row in rows for code in row] for rows in zip(*parts, strict=True)]


def _dense(qnet, stage, form, given, lost, name):
    """A dense stage's codes on those of what is before it."""
    source = stage.formats["x"][1]
    unit = Fraction(2) ** -(form.weights.frac + source.frac)
    table = Number.of(qnet.formats.argument), qnet.formats.sigma, qnet.table.values.tolist()
    function = Function(stage.squash.squash.name, *table, Number.of(form.out))
    row = []
    for weights, bias in zip(stage.weights.tolist(), stage.biases.tolist(), strict=True):
        total = bias + sum(weight * code for weight, code in zip(weights, given, strict=True))
        code, clipped = function(total * unit)
        lost[name] += clipped
        row.append(code)
    return row
