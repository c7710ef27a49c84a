"""All proofs of a core."""

from collections.abc import Callable, Sequence
from functools import partial

from fixedpoint.hold import NeverShutError
from rtl.core import Core
from rtl.proofs.cell import cell
from rtl.proofs.counting import counting
from rtl.proofs.design import Design
from rtl.proofs.entering import entering
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.fifo import fifo
from rtl.proofs.holding import holding
from rtl.proofs.leaving import leaving
from rtl.proofs.progress import progress
from rtl.proofs.proof import Proof
from rtl.proofs.reader import reader
from rtl.proofs.saturation import POINTS, saturation
from rtl.proofs.sequencing import sequencing
from rtl.proofs.shut import shut
from rtl.proofs.status import INAPPLICABLE, NOT_PROVABLE, NOT_RUN, LeftOut
from rtl.proofs.sums import sums

MAKERS: dict[str, Callable[[Core, Design], Proof]] = {
    "cell": cell,
    "shut": shut,
    "reader": reader,
    "hold": holding,
    **{f"saturates-{name}": partial(saturation, name=name) for name in POINTS},
    "counts": counting,
    "sum": sums,
    "input": entering,
    "fifo": fifo,
    "output": leaving,
    "step": sequencing,
    "ends": progress,
}


def catalogue(
    core: Core, design: Design, only: Sequence[str] | None = None
) -> tuple[list[Proof], dict[str, LeftOut]]:
    """The proofs of a core, and what became of all the others, by name.

    Parameters
    ----------
    only : the names of those that are wanted; default all.

    Raises
    ------
    ProofError : a name that no proof has.
    """
    for name in only or ():
        if name not in MAKERS:
            raise ProofError(f"--only {name}: no such proof, there are {', '.join(MAKERS)}")
    found, left_out = [], {}
    for name, make in MAKERS.items():
        if only and name not in only:
            left_out[name] = LeftOut(NOT_RUN, "was not asked for")
            continue
        try:
            found.append(make(core, design))
        except (InapplicableError, NeverShutError) as error:
            left_out[name] = LeftOut(INAPPLICABLE, str(error))
        except ProofError as error:
            left_out[name] = LeftOut(NOT_PROVABLE, str(error))
    return found, left_out
