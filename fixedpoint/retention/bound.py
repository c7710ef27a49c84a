"""How far states can drift, when they can saturate, what keeps their gates shut: a sound bound.

It comes from weights, tables and formats alone, no run among them. The sources of a step have
ranges: x the one that is given, y(t-1) and the gates at t-1 at first their whole formats, the state
always. From them follow ranges of every net input, gate and product i g
(`fixedpoint.retention.ranges`), and from those the lowest and highest next state
(`fixedpoint.retention.orbit`). Better than plain intervals:

- the ranges of y and of the gates that come out are those that go into the next step, for as many
  steps as they still shrink (at most ROUNDS; the last ones are sound for good);
- inputs of few different vectors (symbols) are a case each, so that i, f and g belong together;
- f s is rounded as the cell does it, so that a state that sticks is known to stick.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import Codes, round_shift
from fixedpoint.cell import QuantizedLayer
from fixedpoint.network import QuantizedNetwork
from fixedpoint.retention.hold import closing, keeping
from fixedpoint.retention.orbit import NEVER, StateMap, orbit
from fixedpoint.retention.ranges import (
    Range,
    joined,
    net_inputs,
    of_dense,
    read,
    symmetric_input,
)
from golden.wiring import INPUT

ROUNDS = 6
EVER = 1 << 40  # steps; by then every orbit stands still


@dataclass(frozen=True)
class LayerBound:
    """What the states of a layer can do.

    Attributes
    ----------
    layer : the layer.
    maps : of step 1, 2, ...; the last one of all steps from there.
    """

    layer: QuantizedLayer
    maps: tuple[StateMap, ...]

    def span(self, start: Range, lags: tuple[int, ...]) -> list[Range]:
        """Where states that start in a range (..., C) can be after each lag (rising, in steps)."""
        ranges, low, high, done = [], start.low, start.high, 0
        for lag in lags:
            low, high = (
                self._walk(low, "lowest", done, lag)[0],
                self._walk(high, "highest", done, lag)[0],
            )
            ranges.append(Range(low, high))
            done = lag
        return ranges

    def drift(self, lags: tuple[int, ...]) -> Codes:
        """The largest |s(T) - s(0)| from any state, in LSB, for each lag T: (lags, C).

        A map adds the less the higher the state, so the worst states are the format's two ends.
        """
        form, cells = self.layer.formats.s, self.layer.shape.cells
        ends = Range(np.full(cells, form.high), np.full(cells, form.low))
        spans = self.span(ends, lags)
        return np.array([np.maximum(ends.low - span.low, span.high - ends.high) for span in spans])

    def first_saturation(self) -> int | None:
        """The first step at which a state can saturate, from the layer's own start, or None."""
        firsts = []
        for side in ("lowest", "highest"):
            at = self._walk(self.layer.initial.s, side, 0, EVER)[1]
            firsts += at[at != NEVER].tolist()
        return min(firsts, default=None)

    def _walk(self, s: Codes, side: str, done: int, lag: int) -> tuple[Codes, Codes]:
        """From after step `done` to after step `lag`; the codes, and when they first saturate."""
        first = np.full(s.shape, NEVER)
        while done < lag:
            move = getattr(self.maps[min(done, len(self.maps) - 1)], side)
            count = 1 if done < len(self.maps) - 1 else lag - done
            s, at = orbit(move, s, count, self.layer.formats.s)
            first = np.where((first == NEVER) & (at != NEVER), at + done, first)
            done += count
        return s, first


def bound(qnet: QuantizedNetwork, inputs: Range) -> tuple[LayerBound, ...]:
    """What the states of every layer can do while the input stays within `inputs` (M, D).

    They may start from any state of their formats, and so may y and the gates. A step is one of the
    layer's own: for a layer that runs in reverse the first is the sequence's last.
    """
    layers: list[LayerBound] = []

    def one(k: int, x: Range) -> Range:
        maps, y = _maps(qnet.layers[k], x)
        layers.append(LayerBound(qnet.layers[k], maps))
        return y

    _through(qnet, inputs, one)
    return tuple(layers)


def _through(
    qnet: QuantizedNetwork, inputs: Range, one: Callable[[int, Range], Range | None]
) -> None:
    """Ranges from stage to stage, up to the last layer: `one` has a layer's number and what it
    reads, and says what its y can be; None to end."""
    given = {INPUT: inputs}
    for k in (k for group in qnet.order for k in group if k < qnet.first_head):
        x = read(qnet, k, given)
        if k >= len(qnet.layers):
            given[k] = of_dense(qnet.stem[k - len(qnet.layers)], x)
            continue
        y = one(k, x)
        if y is None:
            return
        given[k] = y.cases()


def _maps(layer: QuantizedLayer, x: Range) -> tuple[tuple[StateMap, ...], Range]:
    """The maps of the first steps, and the y of any step."""
    sources = _anything(layer, x)
    move, after = _step(layer, sources)
    maps, y = [move], after["y"]
    while len(maps) < ROUNDS and any(not after[name].same(sources[name]) for name in after):
        sources = sources | after
        move, after = _step(layer, sources)
        maps.append(move)
    return tuple(maps), y


def _anything(layer: QuantizedLayer, x: Range) -> dict[str, Range]:
    """The sources of a step of which x alone is known."""
    shape, forms = layer.shape, layer.formats
    gates = np.zeros(shape.state["gates"], np.int64)
    return {
        "x": x,
        "y": Range.whole(forms.y, shape.outputs),
        "gates": Range(gates, gates + forms.gate.one),
        "s": Range.whole(forms.s, shape.cells),
    }


def _step(layer: QuantizedLayer, sources: dict[str, Range]) -> tuple[StateMap, dict[str, Range]]:
    """What a step does to the states, and the y and the gates (over all cases) that it leaves."""
    shape, forms = layer.shape, layer.formats
    squashed = {
        kind: net_inputs(layer, kind, sources).squash(layer.squash(kind)) for kind in shape.kinds
    }
    cells = {gate: squashed[gate].repeat(shape.block_size) for gate in shape.gates}
    keep = cells.get("f")
    if shape.coupled:
        one = forms.gate.one
        keep = Range(one - cells["i"].high, one - cells["i"].low)
    product = squashed["g"].times(cells["i"])
    add = Range(*(round_shift(end, layer.input_shift) for end in (product.low, product.high)))
    if keep is None:
        add = add.hull().cases()  # one case is then the worst for all states
    h = sources["s"].round(layer.h_shift, layer.h).squash(layer.h)
    y = h.times(cells["o"]).round(layer.output_shift, forms.cell_output).hull()
    if layer.projection is not None:
        y = y.sums(layer.projection.weights).round(int(layer.projection.shifts[0]), forms.y)
    gates = [squashed[gate].hull() for gate in shape.gates]
    return StateMap(layer.keep_shift, keep, add), {"y": y, "gates": joined(gates)}


@dataclass(frozen=True)
class OpenGate:
    """A gate that inputs of some range can open, or of a forget gate close.

    Attributes
    ----------
    layer, gate, block : which.
    reaches : the net input that it can come to, real.
    shut : the net input up to which i is exactly 0, or from which f is exactly 1, real.
    """

    layer: int
    gate: str
    block: int
    reaches: float
    shut: float

    def __str__(self) -> str:
        side, end = ("at most", 0) if self.gate == "i" else ("at least", 1)
        return (
            f"{self.gate} of block {self.block} in layer {self.layer}: its net input can be "
            f"{self.reaches:.3f}, and must be {side} {self.shut:.3f} for a gate of exactly {end}"
        )


def open_gate(qnet: QuantizedNetwork, inputs: Range) -> OpenGate | None:
    """A gate that `inputs` (M, D) can move from exactly shut (i = 0, f = 1), or None.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    """
    gates: list[OpenGate] = []

    def one(k: int, x: Range) -> Range | None:
        sources = _anything(qnet.layers[k], x)
        opened = _open(k, qnet.layers[k], sources)
        gates.extend([opened] if opened else [])
        return None if opened else _step(qnet.layers[k], sources)[1]["y"]

    _through(qnet, inputs, one)
    return gates[0] if gates else None


def _open(k: int, layer: QuantizedLayer, sources: dict[str, Range]) -> OpenGate | None:
    lsb = layer.gate.net.lsb
    for gate, limit in (("i", closing), ("f", keeping)):
        if gate in layer.shape.gates:
            shut, net = limit(layer), net_inputs(layer, gate, sources).hull()
            worst = net.high if gate == "i" else -net.low
            block = int(worst.argmax())
            if worst[block] > (shut if gate == "i" else -shut):
                reaches = net.high[block] if gate == "i" else net.low[block]
                return OpenGate(k, gate, block, float(reaches * lsb), float(shut * lsb))
    return None


def shut_range(qnet: QuantizedNetwork) -> float | OpenGate:
    """The largest r for which inputs from -r to r keep every gate exactly shut (i = 0, f = 1).

    Returns
    -------
    r in real numbers, at most the highest input that the format can say; or a gate that is open
    with an input of 0 already.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    """
    form = min(qnet.formats.elements, key=lambda form: form.frac)
    gate = open_gate(qnet, symmetric_input(qnet, 0))
    if gate:
        return gate
    shut, opened = 0, form.high + 1
    while opened - shut > 1:
        middle = (shut + opened) // 2
        if open_gate(qnet, symmetric_input(qnet, middle)):
            opened = middle
        else:
            shut = middle
    return shut * form.lsb
