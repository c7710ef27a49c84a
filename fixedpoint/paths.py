"""How wide the paths of a core are: the gateware is made of it, and its cost follows from it."""

from dataclasses import dataclass

from fixedpoint.network import QuantizedNetwork


@dataclass(frozen=True)
class Paths:
    """Bits of a core's paths, signed but for gates: each as wide as the widest layer needs, and 0
    where no layer has it.

    Attributes
    ----------
    weight : of a lane.
    operand : of a lane, any source's value; an unsigned gate takes one bit more.
    sum : of a lane's accumulator, which no codes overflow.
    gate, g, h, s, m : of the signals; m of any cell output, projected or not.
    y : of whatever lies in the memory of outputs.
    peephole : of a peephole's weight, 0 without.
    """

    weight: int
    operand: int
    sum: int
    gate: int
    g: int
    h: int
    s: int
    m: int
    y: int
    peephole: int

    @classmethod
    def of(cls, qnet: QuantizedNetwork) -> "Paths":
        layers, readout = qnet.layers, qnet.readout
        forms = [layer.formats for layer in layers]
        weights = [f.width for form in forms for name, f in form.weights.items() if name != "s"]
        sources = [qnet.formats.input]
        for layer in layers:
            sources += [*layer.source_formats.values(), layer.formats.cell_output, layer.formats.y]
        sums = [layer.sums for layer in layers]
        sums += [layer.projection_sums for layer in layers if layer.projection_sums]
        if readout:
            weights.append(readout.formats.weights.width)
            sums.append(readout.sums)
        return cls(
            weight=max(weights),
            operand=max(form.width + (not form.signed) for form in sources),
            sum=max(each.width for each in sums),
            gate=max((form.gate.width for form in forms), default=0),
            g=max((form.g.width for form in forms), default=0),
            h=max((form.h.width for form in forms), default=0),
            s=max((form.s.width for form in forms), default=0),
            m=max((form.cell_output.width for form in forms), default=0),
            y=max((max(form.cell_output.width, form.y.width) for form in forms), default=0),
            peephole=max((f.weights["s"].width for f in forms if "s" in f.weights), default=0),
        )
