"""A network in which some quantisers are on and the others are not: between float and integer.

Every value is a float64 real number; a quantiser that is on rounds and limits it where the integer
model does (`fixedpoint.budget.quantisers`). With none on this is the float model, with all on it is
the integer model, code for code, as long as its sums fit into float64 (`QuantizedLayer.dtype`);
tests hold both ends. That is why the cell's equations stand here once more: golden's loop has no
place for a rounding of i g, f s or o h, the integer loop has none for a value that is not a code.
"""

from dataclasses import replace

import numpy as np

from fixedpoint.budget.quantisers import Quantisers, Threshold, dense_names, threshold_name
from fixedpoint.dense import QuantizedDense
from fixedpoint.network import QuantizedNetwork
from fixedpoint.squash import QuantizedSquash
from golden.cell import Layer, LayerState
from golden.dense import Dense, Function
from golden.network import Network, check_values, run_layers
from golden.squash import Array
from golden.trace import Trace

TO = ("initial s", "initial y", "i g", "f s", "s", "m", "y")  # of a layer, at every step


def run_mixed(net: Network, qnet: QuantizedNetwork, on: Quantisers, x: Array) -> Trace:
    """Run `net` from its own start with some quantisers switched on.

    Parameters
    ----------
    qnet : the integer network made of `net`.
    on : by name, from `quantisers(net, qnet)`.
    x : (T, D) or (N, T, D) real numbers.

    Raises
    ------
    InputError : a shape that does not fit, values that are not finite.
    """
    x = _get(on, "input")(check_values(x, net.inputs))
    layers = tuple(_Layer(f"{k}.", layer, qnet, on) for k, layer in enumerate(net.layers))
    dense = [
        _dense(names, real, fixed, on)
        for names, real, fixed in zip(dense_names(qnet), net.dense, qnet.dense, strict=True)
    ]
    given = replace(qnet, layers=layers)
    starts = {k: layer.start for k, layer in enumerate(layers)}

    def seen(k: int, y: Array) -> Array:
        threshold = _get(on, threshold_name(k))
        if isinstance(threshold, Threshold):
            return threshold.behind(starts.get(k, 0), y)
        return threshold(y)

    return run_layers(given, x, None, dense, seen)


def _same(values: Array) -> Array:
    return values


def _newest(now: Array, last: Array) -> Array:
    return now


def _get(on: Quantisers, name: str) -> Function:
    return on.get(name, _same)


def _unit(unit: QuantizedSquash, on: Quantisers, net: str, name: str) -> Function:
    """A squashing function of real net inputs, with the quantisers of its net input and value.

    One that limits the net input does so in place of `clip`, whose ends it has as codes.
    """
    real, table, ends = unit.squash, on.get("sigma table"), unit.clip
    to_net, to_target = on.get(name if real.linear else net), _get(on, name)

    def limited(a: Array) -> Array:
        if to_net is not None:
            return to_net(a)
        return a if ends is None else np.minimum(np.maximum(a, ends[0]), ends[1])

    def function(a: Array) -> Array:
        a = limited(a)
        if real.linear:
            return real(a)
        value = real(a) if table is None else real.scale * table(real.slope * a) + real.offset
        return to_target(value)

    return function


def _dense(names: tuple[str, str], real: Dense, fixed: QuantizedDense, on: Quantisers) -> Function:
    """y (..., C) -> (..., K)."""
    label, signal = names
    weights = _get(on, f"{label} weights")(real.weights)
    biases = _get(on, f"{label} biases")(real.biases)
    unit = _unit(fixed.squash, on, f"{label} net", signal)
    return lambda y: unit(y @ weights.T + biases)


class _Layer:
    """A layer of which some quantisers are on; what `run_layers` asks of a layer."""

    def __init__(self, prefix: str, real: Layer, qnet: QuantizedNetwork, on: Quantisers):
        fixed = qnet.layers[int(prefix[:-1])]
        shape = self.shape = real.shape
        self.initial_state = real.initial_state
        self.start = _get(on, f"{prefix}initial y")(real.initial_state(1).y)

        def get(what: str) -> Function:
            return _get(on, prefix + what)

        def rows(source: str, cut: slice) -> Array:
            parts = (
                get(f"weights {source} {kind}")(real.weights[kind][:, cut]) for kind in shape.kinds
            )
            return np.ascontiguousarray(np.concatenate(list(parts)).T)

        self.weights = {source: rows(source, cut) for source, cut in shape.columns.items()}
        self.biases = np.concatenate([get(f"biases {n}")(real.biases[n]) for n in shape.kinds])
        self.peepholes = {n: get(f"peepholes {n}")(p) for n, p in real.peepholes.items()}
        self.projection = None if real.projection is None else get("projection")(real.projection)
        units = {**{kind: fixed.squash(kind) for kind in shape.kinds}, "h": fixed.h}
        self.units = {
            name: _unit(unit, on, f"{prefix}net {name}", prefix + name)
            for name, unit in units.items()
        }
        self.to = {name: get(name) for name in TO}
        threshold = on.get(f"{prefix}y threshold")
        self.use = threshold.step if isinstance(threshold, Threshold) else _newest
        self.cell_output = self.to["y" if self.projection is None else "m"]
        self.cuts, row = {}, 0
        for kind in shape.kinds:
            self.cuts[kind] = slice(row, row := row + shape.rows(kind))

    def run(self, x: Array, state: LayerState) -> tuple[dict[str, Array], LayerState]:
        """T steps of N sequences over x (T, N, D), as `golden.Layer.run`."""
        shape, (steps, batch, _) = self.shape, x.shape
        trace = {name: np.empty((steps, batch, width)) for name, width in shape.signals.items()}
        net_x = x @ self.weights["x"] + self.biases
        s, y = self.to["initial s"](state.s), self.to["initial y"](state.y)
        gates, seen = state.gates, self.use(y, np.zeros_like(y))
        for t in range(steps):
            net = net_x[t] + seen @ self.weights["y"]
            if shape.gate_recurrence:
                net += gates @ self.weights["gates"]
            now = self._step({kind: net[:, cut] for kind, cut in self.cuts.items()}, s)
            s, y = now["s"], now["y"]
            seen = self.use(y, seen)
            gates = np.hstack([now[kind] for kind in shape.gates])
            for name, values in trace.items():
                values[t] = now[name]
        return trace, LayerState(s, y, gates)

    def _step(self, net: dict[str, Array], before: Array) -> dict[str, Array]:
        """One step: weighted sums (N, rows) by kind and s(t-1) (N, C) to every signal."""
        now = {n: self._gate(n, net, before) for n in self.shape.gates if n != "o"}
        now["g"] = self.units["g"](net["g"])
        i, kept = self._of_cells(now["i"]), before
        if "f" in now:
            kept = self.to["f s"](self._of_cells(now["f"]) * before)
        elif self.shape.coupled:
            kept = self.to["f s"]((1.0 - i) * before)
        now["s"] = self.to["s"](kept + self.to["i g"](i * now["g"]))
        now["o"] = self._gate("o", net, now["s"])
        now["m"] = now["y"] = self.cell_output(self._of_cells(now["o"]) * self.units["h"](now["s"]))
        if self.projection is not None:
            now["y"] = self.to["y"](now["m"] @ self.projection.T)
        return now

    def _gate(self, kind: str, net: dict[str, Array], s: Array) -> Array:
        """A gate's values (N, B); peepholes come with blocks of one cell."""
        seen = s * self.peepholes[kind] if self.peepholes else 0.0
        return self.units[kind](net[kind] + seen)

    def _of_cells(self, gate: Array) -> Array:
        """A gate's values for every cell of its block, (N, C)."""
        size = self.shape.block_size
        return gate if size == 1 else np.repeat(gate, size, axis=1)
