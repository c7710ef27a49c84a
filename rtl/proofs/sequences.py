"""All that lies between the parts of a core of whole sequences."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rtl.offline import names
from rtl.offline.buffers import Buffer
from rtl.planning import CorePlan
from rtl.proofs.design import Design
from rtl.proofs.fifo import fifo
from rtl.proofs.passing import fork, head, join
from rtl.proofs.proof import Proof
from rtl.proofs.reversing import reversing
from rtl.step_plan import StepPlan


def places(core: CorePlan) -> dict[str, StepPlan | Buffer]:
    """What a sequence passes, by its name in the Verilog (see `rtl.offline.core`), from the first
    place to the last; but for what forks and joins it."""
    entry = Buffer("head", core.qnet.formats.input, core.qnet.inputs, core.max_length)
    found: dict[str, StepPlan | Buffer] = {"head": entry}
    parts = iter(core.parts)
    for k, ways in enumerate(core.ways):
        pairs = zip(core.groups[k][0].reads, core.waits[k], strict=True)
        found |= {names.wait(giver, k) + "_0": wait for giver, wait in pairs if wait}
        sides = ("",) if len(ways) == 1 else ("_forward", "_backward")
        for side, way in zip(sides, ways, strict=True):
            way_through = (*way.before, next(parts), *way.after)
            found |= {f"stage{k}{side}_{n}": place for n, place in enumerate(way_through)}
    return found


def between(core: CorePlan, design: Design) -> dict[str, Callable[[], Proof]]:
    """What makes the proof of each place but the parts, by its name in the Verilog; `top` of the
    design is the core's module."""
    proofs: dict[str, Callable[[], Proof]] = {
        path: partial(_of, path, design, place, core.parts[0])
        for path, place in places(core).items()
        if isinstance(place, Buffer)
    }
    for k, group in enumerate(core.groups):
        if len(group) == 2:
            widths = group[0].qnet.outputs, group[1].qnet.outputs
            proofs[f"stage{k}_fork"] = partial(_fork, f"stage{k}_fork", design)
            proofs[f"stage{k}_join"] = partial(_join, f"stage{k}_join", design, widths)
        first, *others = group[0].reads
        width = core.given(first)[1]
        for giver in others:
            widths, name = (width, core.given(giver)[1]), names.join(giver, k)
            proofs[name] = partial(_join, name, design, widths)
            width = sum(widths)
        for giver in group[0].reads:
            if any(giver in other[0].reads for other in core.groups[k + 1 :]):
                name = names.fork(giver, k)
                proofs[name] = partial(_fork, name, design)
    return proofs


def _of(path: str, design: Design, place: Buffer, part: StepPlan) -> Proof:
    """The proof of a Head, a Reverser or a Buffer."""
    here = replace(design, top=design.find(path))
    if place.kind == "head":
        return head(path, here, place.width, place.length)
    if place.kind == "reverser":
        return reversing(path, here, place.form, place.width, place.length)
    return replace(fifo(part, here), name=path)


def _fork(path: str, design: Design) -> Proof:
    return fork(path, replace(design, top=design.find(path)))


def _join(path: str, design: Design, widths: tuple[int, int]) -> Proof:
    return join(path, replace(design, top=design.find(path)), widths)
