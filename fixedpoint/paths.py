"""How wide the paths of a core are: the gateware is made of it, and its cost follows from it."""

from dataclasses import dataclass

from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork


def signed_width(form: Format) -> int:
    """Bits of a code as a signed number; an unsigned one takes one bit more."""
    return form.width + (not form.signed)


@dataclass(frozen=True)
class Paths:
    """Bits of a core's paths, signed but for gates: each as wide as the widest layer needs, and 0
    where no layer has it.

    Attributes
    ----------
    weight : of a lane.
    operand : of a lane, any source's value; an unsigned gate takes one bit more.
    sum : of a lane's accumulator, which no codes overflow.
    net : of a row's whole sum, with bias and peephole, on the scale of all rows.
    gate, g, h, s, m : of the signals; m of any cell output, projected or not.
    y : of whatever lies in the memory of outputs.
    peephole : of a peephole's weight, 0 without.
    """

    weight: int
    operand: int
    sum: int
    net: int
    gate: int
    g: int
    h: int
    s: int
    m: int
    y: int
    peephole: int

    @classmethod
    def of(cls, qnet: QuantizedNetwork) -> "Paths":
        forms, rows = [layer.formats for layer in qnet.layers], qnet.rows.values()
        pairs = [pair for each in rows for pair in each.formats.values()]
        stored = [form for each in forms for form in (each.cell_output, each.y)]
        stored += [qnet.dense[k - len(qnet.layers)].target for k in qnet.stored]
        return cls(
            weight=max(form.width for form, _ in pairs),
            operand=max(map(signed_width, (qnet.formats.input, *(form for _, form in pairs)))),
            sum=max(each.sums.width for each in rows),
            net=max(each.sums.net_width for each in rows),
            gate=max((form.gate.width for form in forms), default=0),
            g=max((form.g.width for form in forms), default=0),
            h=max((form.h.width for form in forms), default=0),
            s=max((form.s.width for form in forms), default=0),
            m=max((form.cell_output.width for form in forms), default=0),
            y=max(map(signed_width, stored), default=0),
            peephole=max((f.weights["s"].width for f in forms if "s" in f.weights), default=0),
        )
