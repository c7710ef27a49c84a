"""The gates: shut pre-activations give exactly 0 and exactly 1."""

from fixedpoint.hold import closing, keeping
from fixedpoint.squash import GUARD
from rtl import latency
from rtl.core import Core
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin

WAY = latency.SQUASH - 1 + latency.HOP  # from a row's pre-activation to its activation


def shut(core: Core, design: Design) -> Proof:
    """sigma's two ends, where they begin, through the table and the squash.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    """
    table = core.qnet.table
    layer = core.qnet.layers[0]
    sigma = design.find("sigma")
    return Proof(
        "shut",
        f"A gate whose pre-activation is {closing(layer)} LSB or less is exactly 0, one whose "
        f"pre-activation is {keeping(layer)} LSB or more is exactly 1.0.",
        f"the core's own table of {len(table.knots) - 1} knots, its interpolation and squash: "
        f"{table.argument.width} bits in, {layer.formats.gate.width} out",
        ("The row has the reader of the table, as the schedule sees to.",),
        design,
        lambda given: state(given, core),
        WAY + 3,
        Twin(
            "the table's first knot is 1 LSB of the gate too high",
            design.replaced(sigma, r"knots\[0\] = (\S+);", _raised(core)),
            WAY + 4,
        ),
    )


def _raised(core: Core) -> str:
    """The first knot with an LSB of the gate added, in the table's own bits."""
    layer = core.qnet.layers[0]
    return rf"knots[0] = \1 + {1 << (GUARD + layer.gate.shift)};"


def state(design: Design, core: Core) -> Harness:
    """The pre-activation is free in every clock."""
    h, program, layer = Harness(design, ""), core.program, core.qnet.layers[0]
    net = h.cut("activation0.net_code")
    modes = [k for k, mode in enumerate(program.net_modes) if mode.squash == layer.gate]
    mode = h.see("activation0.squash_mode_1")
    read = f"{h.see('sigma.code0')} == {net} && {mode} == {modes[0]}"
    ends = {"closed": f"$signed({net}) <= {closing(layer)}"}
    ends |= {"kept": f"$signed({net}) >= {keeping(layer)}"}
    for name, end in ends.items():
        value = 0 if name == "closed" else layer.formats.gate.one
        h.line(f"wire {name} = {read} && {end};")
        due = h.delayed(f"{name}_due", name, 1, WAY)[-1]
        h.prove(f"!{due} || {h.see('activation0.o.code')} == {value}")
    return h
