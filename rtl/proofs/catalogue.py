"""All proofs of a core."""

from collections.abc import Callable, Sequence
from functools import partial

from rtl.core import Core
from rtl.proofs.cell import cell
from rtl.proofs.counting import counting
from rtl.proofs.design import Design
from rtl.proofs.entering import entering
from rtl.proofs.errors import ProofError
from rtl.proofs.fifo import fifo
from rtl.proofs.holding import holding
from rtl.proofs.leaving import leaving
from rtl.proofs.progress import progress
from rtl.proofs.proof import Proof
from rtl.proofs.reader import reader
from rtl.proofs.saturation import POINTS, saturation
from rtl.proofs.sequencing import sequencing
from rtl.proofs.shut import shut
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
) -> tuple[list[Proof], dict[str, str]]:
    """The proofs of a core, and why others cannot be stated of it, by name.

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
    for name in only or MAKERS:
        try:
            found.append(MAKERS[name](core, design))
        except ProofError as error:
            left_out[name] = str(error)
    return found, left_out
