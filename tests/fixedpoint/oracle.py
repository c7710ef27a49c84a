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
    """A squashing function from a real net input to a code of `target`."""

    def __init__(self, name, argument, sigma_form, sigma_codes, target):
        self.name, self.target, self.codes = name, target, sigma_codes
        self.argument, self.sigma_unit = argument, Fraction(2) ** -sigma_form.frac

    def __call__(self, net: Fraction) -> tuple[int, bool]:
        """Code of the result, and whether the net input was saturated."""
        if self.name == "identity":
            return self.target.code(net)
        scale, slope, offset = FUNCTIONS[self.name]
        code, lost = self.argument.code(net * slope)
        sigma = self.codes[code - self.argument.least] * self.sigma_unit
        result, clipped = self.target.code(scale * sigma + offset)
        assert not clipped
        return result, lost


class Cell:
    """One layer: its weights as lists of codes by kind, its formats, its functions."""

    def __init__(self, layer, formats, sigma_codes):
        self.shape, form = layer.shape, layer.formats
        self.weights, self.biases = layer.weights, layer.biases
        self.fracs = {source: f.frac for source, f in form.weights.items()}
        self.x, self.y, self.s, self.gate = map(Number.of, (layer.input, form.y, form.s, form.gate))
        self.bias_unit = Fraction(2) ** -(self.fracs["x"] + layer.input.frac)
        self.g_form, self.h_form = Number.of(form.g), Number.of(form.h)
        table = Number.of(formats.argument), formats.sigma, sigma_codes
        self.sigma = Function("sigma", *table, self.gate)
        self.g = Function(layer.g.squash.name, *table, self.g_form)
        self.h = Function(layer.h.squash.name, *table, self.h_form)

    def step(self, x, state, lost):
        """One step of one sequence: codes x; state (s, y, gates); `lost` counts saturations."""
        blocks, size, kinds = self.shape.blocks, self.shape.block_size, self.shape.gates
        s, y, gates = state
        u = [("x", self.x.value(code)) for code in x] + [("y", self.y.value(code)) for code in y]
        if self.shape.gate_recurrence:
            u += [("gates", self.gate.value(code)) for code in gates]

        def net(kind, row):
            total = int(self.biases[kind][row]) * self.bias_unit
            for weight, (source, value) in zip(self.weights[kind][row].tolist(), u, strict=True):
                total += weight * Fraction(2) ** -self.fracs[source] * value
            return total

        def unit(function, value, name):
            code, clipped = function(value)
            lost[name] += clipped
            return code

        out = {
            kind: [unit(self.sigma, net(kind, b), kind) for b in range(blocks)] for kind in kinds
        }
        out |= {
            "g": [unit(self.g, net("g", c), "g") for c in range(blocks * size)],
            "s": [],
            "y": [],
        }
        for c in range(blocks * size):
            gate = {kind: self.gate.value(out[kind][c // size]) for kind in kinds}
            cell_input, before = self.g_form.value(out["g"][c]), self.s.value(s[c])
            kept = nearest(gate.get("f", Fraction(1)) * before / self.s.unit)
            added = nearest(gate["i"] * cell_input / self.s.unit)
            code, clipped = self.s.code((kept + added) * self.s.unit)
            lost["s"] += clipped
            h = self.h_form.value(unit(self.h, self.s.value(code), "h"))
            out["s"].append(code)
            code, clipped = self.y.code(gate["o"] * h)
            lost["y"] += clipped
            out["y"].append(code)
        return out, (out["s"], out["y"], [code for kind in kinds for code in out[kind]])


def run(qnet, codes):
    """Codes (T, D) from the zero state: {signal: list of rows} by layer, out, saturations."""
    sigma_codes = qnet.table.values.tolist()
    cells = [Cell(layer, qnet.formats, sigma_codes) for layer in qnet.layers]
    states = [
        ([0] * c.shape.cells, [0] * c.shape.cells, [0] * (len(c.shape.gates) * c.shape.blocks))
        for c in cells
    ]
    traces = [{name: [] for name in cell.shape.signals} for cell in cells]
    lost, outs = Counter(), []
    for x in codes.tolist():
        for k, cell in enumerate(cells):
            count = Counter()
            signals, states[k] = cell.step(x, states[k], count)
            for name, row in signals.items():
                traces[k][name].append(row)
            lost.update({f"{k}.{name}": n for name, n in count.items()})
            x = signals["y"]
        outs.append(_readout(qnet, x, sigma_codes, lost) if qnet.readout else x)
    return traces, outs, lost


def _readout(qnet, y, sigma_codes, lost):
    part, form = qnet.readout, qnet.readout.formats
    unit = Fraction(2) ** -(form.weights.frac + part.input.frac)
    table = Number.of(qnet.formats.argument), qnet.formats.sigma, sigma_codes
    function = Function(part.squash.squash.name, *table, Number.of(form.out))
    row = []
    for weights, bias in zip(part.weights.tolist(), part.biases.tolist(), strict=True):
        total = bias + sum(weight * code for weight, code in zip(weights, y, strict=True))
        code, clipped = function(total * unit)
        lost["out"] += clipped
        row.append(code)
    return row
