"""All proofs of a core, and of the buses around it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from fixedpoint.retention.hold import NeverShutError
from fixedpoint.retention.ranges import Range
from rtl.planning import CorePlan
from rtl.proofs.axi_lite import axi_lite
from rtl.proofs.axi_stream import axi_in, axi_out
from rtl.proofs.cell import cell
from rtl.proofs.closed import closed
from rtl.proofs.counting import counting
from rtl.proofs.design import Design
from rtl.proofs.entering import entering
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.fifo import fifo
from rtl.proofs.first import first
from rtl.proofs.holding import holding
from rtl.proofs.leaving import leaving
from rtl.proofs.mending import mending
from rtl.proofs.progress import progress
from rtl.proofs.proof import Proof
from rtl.proofs.reader import reader
from rtl.proofs.saturation import POINTS, saturation
from rtl.proofs.sequences import between as of_buffers
from rtl.proofs.sequences import places
from rtl.proofs.sequencing import sequencing
from rtl.proofs.shut import shut
from rtl.proofs.skipping.adding import adding
from rtl.proofs.skipping.keeping import keeping
from rtl.proofs.skipping.leaving import leaving as beats_of
from rtl.proofs.skipping.progress import progress as ending
from rtl.proofs.skipping.reading import reading
from rtl.proofs.skipping.using import using
from rtl.proofs.status import INAPPLICABLE, NOT_PROVABLE, NOT_RUN, LeftOut
from rtl.proofs.sums import sums
from rtl.step_plan import StepPlan

Maker = Callable[[StepPlan, Design], Proof]
Makers = dict[str, Callable[[], Proof]]
Statements = tuple[list[Proof], dict[str, LeftOut]]

MAKERS: dict[str, Maker] = {
    "cell": cell,
    "shut": shut,
    "reader": reader,
    "hold": holding,
    **{f"saturates-{name}": partial(saturation, name=name) for name in POINTS},
    "counts": counting,
    "sum": sums,
    "input": entering,
    "first": first,
    "fifo": fifo,
    "output": leaving,
    "step": sequencing,
    "ends": progress,
    "mends": mending,
}
LISTED: dict[str, Maker] = {  # of a core that skips
    **{name: MAKERS[name] for name in ("cell", "shut", "reader", "hold")},
    **{name: make for name, make in MAKERS.items() if name.startswith("saturates-")},
    "counts": counting,
    "adds": adding,
    "sum": keeping,
    "used": using,
    "fifo": fifo,
    "output": beats_of,
    "step": reading,
    "ends": ending,
    "mends": mending,
}
OF_CELLS = cell, reader, holding, mending
TRAINED: dict[str, Callable[[CorePlan, Design, Range | None], Proof]] = {  # by its own weights
    "closed": closed,
}
BUSES: dict[str, Callable[[CorePlan, Design], Proof]] = {  # of AXI around a core
    "axi-in": axi_in,
    "axi-out": axi_out,
    "axi-lite": axi_lite,
}


def shipped(
    core: CorePlan,
    design: Design,
    only: Sequence[str] | None = None,
    between: Range | None = None,
) -> Statements:
    """The proofs of a whole Verilog: of its core, and of the wrapper where it has one.

    Parameters
    ----------
    design : its `top` is the module that is shipped.
    only : the names of those that are wanted; default all.
    between : what its task's input is between what matters, a case each (M, D), where it is known.

    Raises
    ------
    ProofError : a name that no proof has.
    """
    wrapped = "wrapped" in design.modules[design.top].instances
    inner = replace(design, top=design.find("wrapped.core" if wrapped else "core"))
    makers = _of_parts(core, inner) if core.holds_sequences else _of_core(core.parts[0], inner)
    makers |= {name: partial(make, core, inner, between) for name, make in TRAINED.items()}
    if wrapped:
        makers |= {name: partial(make, core, design) for name, make in BUSES.items()}
    return _made(makers, only)


def catalogue(core: StepPlan, design: Design, only: Sequence[str] | None = None) -> Statements:
    """The same of a core alone: `top` of the design is its module."""
    return _made(_of_core(core, design), only)


def _of_core(core: StepPlan, design: Design, part: str = "") -> Makers:
    """The proofs of a core that takes step after step; `part` goes before their names."""
    makers = LISTED if core.options.skip else MAKERS
    return {
        f"{part}{name}": partial(_named, part, make, core, design) for name, make in makers.items()
    }


def _named(part: str, make: Maker, core: StepPlan, design: Design) -> Proof:
    """A proof under the name of its part."""
    if make in OF_CELLS and not core.program.states:
        raise InapplicableError("there are no cells")
    if core.options.protect and make is not mending:
        raise InapplicableError("it speaks of a core that is not protected")
    found = make(core, design)
    return replace(found, name=f"{part}{found.name}")


def _of_parts(core: CorePlan, design: Design) -> Makers:
    """The proofs of a core of whole sequences: of each part, and of all that lies between them."""
    found: Makers = {}
    parts = [(path, place) for path, place in places(core).items() if isinstance(place, StepPlan)]
    for k, (path, part) in enumerate(parts):
        found |= _of_core(part, replace(design, top=design.find(path)), f"p{k}.")
    return found | of_buffers(core, design)


def _made(makers: Makers, only: Sequence[str] | None) -> Statements:
    """The proofs that are wanted, and what became of all others, by name."""
    for name in only or ():
        if name not in makers:
            raise ProofError(f"--only {name}: no such proof, there are {', '.join(makers)}")
    found, left_out = [], {}
    for name, make in makers.items():
        if only and name not in only:
            left_out[name] = LeftOut(NOT_RUN, "was not asked for")
            continue
        try:
            found.append(make())
        except (InapplicableError, NeverShutError) as error:
            left_out[name] = LeftOut(INAPPLICABLE, str(error))
        except ProofError as error:
            left_out[name] = LeftOut(NOT_PROVABLE, str(error))
    return found, left_out
