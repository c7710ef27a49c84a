"""Every saturation raises its flag, and nothing else does."""

from rtl.core import Core
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin

POINTS = {  # what is clipped: the part, its value before, the code and its flag one clock later
    "net": ("activation0", "net_code_wide", "net_code", "net_code_clipped"),
    "s": ("cell", "state_wide", "state", "state_clipped"),
    "h": ("cell", "h_net_code_wide", "h_net_code", "h_net_code_clipped"),
    "y": ("cell", "output_wide", "output", "output_clipped"),
}


def saturation(core: Core, design: Design, name: str) -> Proof:
    """One place of the core where a value is clipped to its format.

    Raises
    ------
    ProofError : several layers share the place with formats of their own.
    """
    program = core.program
    nets = {(mode.shift, mode.squash.low, mode.squash.high) for mode in program.net_modes}
    modes = nets if name == "net" else program.cell_modes
    if len(modes) > 1:
        raise ProofError(f"{name}: {len(modes)} roundings share the place")
    part, wide, _, flag = POINTS[name]
    module = design.find(part)
    bits = design.net(module, wide)[0]
    return Proof(
        f"saturates-{name}",
        f"A code of {name} differs from the exact value if and only if its flag is raised.",
        f"the core's own: {bits} bits before, {design.net(module, POINTS[name][2])[0]} after",
        ("The exact value is free in every clock; so the multipliers do not matter.",),
        design,
        lambda given: state(given, name),
        2,
        Twin(
            "the flag is stuck at 0",
            design.replaced(module, rf"^(\s+{flag}) <= .*;", r"\1 <= 0;"),
            4,
        ),
    )


def state(design: Design, name: str) -> Harness:
    """The value that is clipped is free in every clock."""
    part, wide, code, flag = POINTS[name]
    h = Harness(design, part)
    before = h.cut(wide)
    bits = h.width(wide)
    was = h.register("was", bits, before)
    h.register("begun", 1, "1")
    same = f"$signed({h.see(code)}) == $signed({was})"
    h.prove(f"!begun || ({h.see(flag)} != ({same}))")
    return h
