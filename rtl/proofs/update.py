"""The cell update, whatever the gates are: its equations as the integer model has them.

    s(t) = sat(round(f s(t-1)) + round(i g))          y(t) = sat(round(o h))

Every product is compared with one of the same operands, which stand where they are multiplied; so a
solver need not multiply.
"""

from rtl.program.program import CellMode
from rtl.proofs.harness import Harness
from rtl.proofs.values import Rounding, clipped, known, rounded, select, squashed, times
from rtl.proofs.ways import claim_way
from rtl.schedule import latency
from rtl.step_plan import StepPlan

FLAGS = ("output", "step_first", "step_last", "projected")


def claim_update(h: Harness, core: StepPlan) -> None:
    """Of the part `cell`: gates, state, output and marks."""
    clocks = latency.STATE + core.schedule.depths.output
    mode = h.see("i.cell_mode")
    beside = h.delayed("mode", mode, h.width("i.cell_mode"), clocks)
    claim_modes(h, core, beside)
    claim_gates(h, core, mode)
    claim_state(h, core, beside)
    claim_output(h, core, beside[latency.STATE :])
    claim_marks(h, core, mode, clocks)


def claim_modes(h: Harness, core: StepPlan, mode: list[str]) -> None:
    """Its cell's mode stands beside every value that depends on it."""
    late = latency.LATE * core.schedule.peepholes
    ways = {  # clocks from the cell input, clocks that it is kept
        "product_mode": (0, 1),
        "sum_mode": (1, 1),
        "h_mode": (0, latency.STATE),
        "h_squash_mode": (latency.STATE, latency.SQUASH - 1),
        "product_h_mode": (latency.STATE, latency.SQUASH + late + 1),
        "y_mode": (latency.STATE + latency.SQUASH + late + 1, 1),
    }
    for name, (since, clocks) in ways.items():
        for k in range(1, 1 + clocks):
            if h.has(stage := f"{name}_{k}"):
                h.prove(f"{h.see(stage)} == {mode[since + k]}")


def claim_gates(h: Harness, core: StepPlan, mode: str) -> None:
    """A block's gates are kept from their rows on; where they come beside, there is nothing to."""
    program = core.program
    if core.schedule.tail > 1:
        return
    bits, row = program.paths.gate, h.see("i.kind")
    code = f"{h.see('i.code')}[{bits - 1}:0]"
    for kind in gates_of(core):
        gate, name = f"gate_{kind}", f"own_{kind}"
        following = name
        if kind == "f":
            for k, each in enumerate(program.cell_modes):
                if each.keeps == "coupled":
                    here = f"{row} == {program.kinds.index('i')} && {mode} == {k}"
                    following = f"({here}) ? {each.gate_one} - {code} : {following}"
        if kind in program.kinds:
            following = f"{row} == {program.kinds.index(kind)} ? {code} : ({following})"
        h.register(name, bits, f"{h.see('i.valid')} ? ({following}) : {name}")
        h.prove(f"{h.see(gate)} == {name}")
        if kind != "o":
            claim_way(h, f"{name}_was", name, [f"{kind}_operand_1"], bits)


def gates_of(core: StepPlan) -> list[str]:
    """The gates that become multipliers' operands; a late output gate is elsewhere."""
    keeping = any(mode.keeps != "whole" for mode in core.program.cell_modes)
    return ["i"] + ["f"] * keeping + ["o"] * (not core.schedule.peepholes)


def operand(h: Harness, core: StepPlan, kind: str) -> str:
    """A gate where it is multiplied, as a signed value."""
    name = f"gate_{kind}" if core.schedule.tail > 1 else f"{kind}_operand_1"
    return f"$signed({{1'b0, {h.see(name)}[{core.program.paths.gate - 1}:0]}})"


def claim_state(h: Harness, core: StepPlan, mode: list[str]) -> None:
    """s(t) = sat(round(f s(t-1)) + round(i g)); without a forget gate s(t-1) itself."""
    paths, modes = core.program.paths, core.program.cell_modes
    new = f"$signed({h.see('i.code')}[{paths.g - 1}:0])"
    product = times(h, "i_g", paths.gate + paths.g, operand(h, core, "i"), new)
    h.prove(f"$signed({h.see('product')}) == {product}")
    bits = max(
        4 + h.width("product") + max(-each.input_shift for each in modes),
        4 + paths.gate + paths.s + max(0, *(-each.keep_shift for each in modes)),
        1 + paths.gate + paths.g,  # states may be much narrower than what is written
    )
    written = rounded(h, "written", product, bits, [each.input_shift for each in modes], mode[1])
    old = f"$signed({h.see('value0')})"
    h.line(f"reg signed [{paths.s - 1}:0] old_was = 0;")
    h.line(f"always @(posedge clk) old_was <= {old};")
    kept = claim_kept(h, core, modes, old, mode[1], bits)
    parts = []
    for name, value in (("written", written), ("kept", kept)):
        parts.append(h.register(f"{name}_was", bits, value))
        right = f"$signed({h.see(name)}) == $signed({parts[-1]})"
        h.prove(f"!{known(mode[2], modes)} || {right}")
    total = " + ".join(f"$signed({part})" for part in parts)
    ends = [Rounding(0, 0, each.s.low, each.s.high) for each in modes]
    found = clipped(h, "s", total, bits, ends, mode[2])
    state = h.register("s_was", bits, found)
    flag = h.register("s_flag", 1, f"{found} != s_exact")
    right = f"$signed({h.see('s.code')}) == $signed({state}) && {h.see('s.saturated')} == {flag}"
    h.prove(f"!{known(mode[3], modes)} || ({right})")


def claim_kept(
    h: Harness, core: StepPlan, modes: tuple[CellMode, ...], old: str, mode: str, bits: int
) -> str:
    """round(f s(t-1)), or s(t-1) itself, by mode."""
    if all(each.keeps == "whole" for each in modes):
        return "old_was"
    paths = core.program.paths
    product = times(h, "f_s", paths.gate + paths.s, operand(h, core, "f"), old)
    h.prove(f"$signed({h.see('kept_product')}) == {product}")
    shifts = [each.keep_shift for each in modes]
    held = rounded(h, "held", product, bits, shifts, mode)
    whole = [f"{mode} == {k}" for k, each in enumerate(modes) if each.keeps == "whole"]
    if not whole:
        return held
    h.line(f"wire signed [{bits - 1}:0] left = ({' || '.join(whole)}) ? old_was : {held};")
    return "left"


def claim_output(h: Harness, core: StepPlan, mode: list[str]) -> None:
    """y(t) = sat(round(o h)), h squashed from what the sigma table gives; `mode` counts from s."""
    program, modes = core.program, core.program.cell_modes
    peepholes, paths = core.schedule.peepholes, program.paths
    late = latency.LATE * peepholes
    units = [each.h.squash for each in modes]
    at = latency.SQUASH
    if any(unit.squash.linear for unit in units):
        stages = [f"h_linear_{k}" for k in range(1, 1 + latency.SIGMA)]
        claim_way(h, "h_net", h.see("h_net_code"), stages, h.width("h_net_code"))
    found = squashed(h, "h_now", units, "value", linear_of(h, units), mode[at - 1])
    h.register("h_was", h.width("h_squashed"), found)
    h.prove(f"!{known(mode[at], modes)} || {h.see('h_squashed')} == h_was")
    if peepholes:
        stages = [f"waiting_h_{k}" for k in range(1, 1 + late)]
        claim_way(h, "h_waits", h.see("h_squashed"), stages, h.width("h_squashed"))
        gate, squash = h.see("o"), f"waiting_h_{late}"
    else:
        wait = latency.STATE + latency.SQUASH
        stages = [f"output_gate_{k}" for k in range(1, 1 + wait)]
        claim_way(h, "o_waits", f"{h.see('gate_o')}[{paths.gate - 1}:0]", stages, paths.gate)
        gate, squash = h.see(stages[-1]), "h_squashed"
    one = f"$signed({{1'b0, {gate}[{paths.gate - 1}:0]}})"
    product = times(h, "o_h", paths.gate + h.width(squash), one, f"$signed({h.see(squash)})")
    at += late + 1
    shifts = [each.output_shift for each in modes]
    bits = 4 + paths.gate + h.width(squash) + max(0, *(-by for by in shifts))
    out = rounded(h, "out", product, bits, shifts, mode[at])
    h.register("out_was", bits, out)
    right = f"$signed({h.see('rounded')}) == $signed(out_was)"
    h.prove(f"!{known(mode[at + 1], modes)} || {right}")
    ends = [Rounding(0, 0, each.m.low, each.m.high) for each in modes]
    found = clipped(h, "y", "$signed(out_was)", bits, ends, mode[at + 1])
    h.register("y_was", bits, found)
    flag = h.register("y_flag", 1, f"{found} != y_exact")
    right = f"$signed({h.see('y.code')}) == $signed(y_was) && {h.see('y.saturated')} == {flag}"
    h.prove(f"!{known(mode[at + 2], modes)} || ({right})")


def linear_of(h: Harness, units: list) -> str:
    """The net that a linear squash takes; any where there is none."""
    return f"h_linear_{latency.SIGMA}" if any(each.squash.linear for each in units) else "value"


def claim_marks(h: Harness, core: StepPlan, mode: str, clocks: int) -> None:
    """A state and an output have the marks of the cell input that they come from."""
    program, modes = core.program, core.program.cell_modes
    comes = f"({h.see('i.valid')} && {h.see('i.kind')} == {program.kinds.index('g')})"
    projected = select(mode, [f"1'b{int(each.projected)}" for each in modes])
    for port, wait in (("s", latency.STATE), ("y", clocks)):
        stages = [f"{port}_valid_{k}" for k in range(1, wait)]
        claim_way(h, f"{port}_comes", comes, [*stages, f"{port}.valid"])
        for flag in FLAGS:
            source = projected if flag == "projected" else h.see(f"i.{flag}")
            stages = [f"{port}_{flag}_{k}" for k in range(1, wait)]
            claim_way(h, f"{port}_{flag}", source, [*stages, f"{port}.{flag}"])
