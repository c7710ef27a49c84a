"""Broken twins that are drawn: a proof must be able to fail in many ways, not in one that suits it.

The mutants of a design (`rtl.mutants.mutant`) that lie behind a statement are drawn, so many of
each class of places that the statement speaks of, and it is tried on each, from power-up. Refuted:
there is a counterexample. Passes: there is none, as far as was searched; a statement of which few
mutants are refuted says little.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from rtl.mutants.mutant import Mutant, candidates, choose, mutated
from rtl.proofs.cone import cone
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError, VacuousError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.solver import Outcome, Progress, solve
from rtl.proofs.status import REFUTED, UNKNOWN

TRIES = 8  # mutants of a class, of which one at least must be refuted
FAR = 60  # clocks from power-up in which a fault is looked for, at least
Class = tuple[str, str]
"""A part's path, and what its mutants hit: see `rtl.mutants.mutant.Mutant.hits`."""
LOGIC = "control", "value"
MEMORY = "write path", "read path", "address"
ROM = "read path", "address"
SPEAKS_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cell": {"cell": LOGIC},
    "shut": {"sigma": (*ROM, *LOGIC)},  # most values of the tail say which row it is
    "reader": {"": LOGIC, "activation0": (*ROM, *LOGIC)},
    "hold": {"cell.states": (*MEMORY, "enable", *LOGIC), "activation0": (*ROM, *LOGIC)},
    "closed": {
        "sequencer": (*ROM, *LOGIC),
        "operands": LOGIC,
        "lanes.lane0": (*ROM, *LOGIC),
        "activation0": (*ROM, *LOGIC),
    },
    "saturates-net": {"activation0": LOGIC},
    "saturates-s": {"cell": LOGIC},
    "saturates-h": {"cell": ("value",)},  # a linear h is not clipped
    "saturates-y": {"cell": LOGIC},
    "counts": {"": LOGIC},
    "sum": {"sequencer": (*ROM, *LOGIC), "operands": LOGIC, "lanes.lane0": LOGIC},
    "input": {"input": (*MEMORY, "enable", *LOGIC), "sequencer": (*ROM, *LOGIC)},
    "first": {
        "sequencer": ("control",),
        "operands": LOGIC,
        "activation0": ("control",),
        "cell.states": LOGIC,
    },
    "fifo": {"fifo": (*MEMORY, "enable", *LOGIC), "fifo.ahead": (*MEMORY, "enable", *LOGIC)},
    "output": {"": LOGIC, "activation0": (*ROM, *LOGIC), "fifo": ("enable", *LOGIC)},
    "step": {"sequencer": LOGIC},
    "mends": {"cell.states": (*MEMORY, "enable", *LOGIC)},
    "ends": {"": LOGIC, "sequencer": LOGIC, "fifo": ("enable", *LOGIC)},
    "axi-out": {  # not what lies in the FIFO, of which `fifo` speaks
        "": ("control",),
        "wrapped.core*fifo": ("enable", *LOGIC),
        "wrapped.core*fifo.ahead": ("address", "enable", *LOGIC),
    },
    # not what is read and written at an address
    "axi-lite": {"wrapped.lite": ("enable", *LOGIC), "wrapped.decoder": ("control",)},
}
"""By proof and the path of a part, in which `*` stands for anything, the classes of places of which
each proof must notice some; any other proof, and that of a core without one of these parts, must
notice some of each class behind its statement."""


@dataclass(frozen=True)
class Drawn:
    """A mutant, and what came of the statement on it."""

    mutant: Mutant
    outcome: Outcome


@dataclass(frozen=True)
class Challenge:
    """The drawn twins of a proof.

    Attributes
    ----------
    count : how many were to be refuted at least.
    drawn : all that were tried.
    unnoticed : the classes of places of which none was refuted, and how many were tried of each.
    """

    count: int
    drawn: tuple[Drawn, ...]
    unnoticed: Mapping[Class, int]

    @property
    def refuted(self) -> int:
        return sum(each.outcome.status == REFUTED for each in self.drawn)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What speaks against the proof, sentence by sentence; nothing, if it can fail."""
        found = [
            f"no fault is noticed in the {hits} of {part or 'the core'}, of {tried} drawn"
            for (part, hits), tried in self.unnoticed.items()
        ]
        if self.refuted < self.count:
            found.append(
                f"{self.refuted} of {len(self.drawn)} drawn twins are refuted, "
                f"it must be {self.count}"
            )
        return tuple(found)


def challenge(
    proof: Proof,
    count: int,
    folder: Path,
    progress: Progress = lambda _: None,
    seed: int = 1,
) -> Challenge:
    """Draw twins until so many were refuted, and one at least of each class; a proof of which that
    cannot be had is not able to fail.

    Raises
    ------
    ProofError : a tool fails.
    """
    drawn: list[Drawn] = []
    unnoticed: dict[Class, int] = {}
    pools = classes(proof, progress)

    def refuted(mutant: Mutant) -> bool:
        drawn.append(Drawn(mutant, judge(proof, mutant, folder, progress)))
        return drawn[-1].outcome.status == REFUTED

    for place, pool in pools.items():
        chosen = choose(pool, TRIES, seed)
        if not any(refuted(mutant) for mutant in chosen):
            unnoticed[place] = len(chosen)
    tried = {each.mutant for each in drawn}
    others = {mutant: None for pool in pools.values() for mutant in pool if mutant not in tried}
    left = count - sum(each.outcome.status == REFUTED for each in drawn)
    for mutant in choose(list(others), TRIES * count, seed):
        if left <= 0:
            break
        left -= refuted(mutant)
    return Challenge(count, tuple(drawn), unnoticed)


def classes(proof: Proof, progress: Progress = lambda _: None) -> dict[Class, list[Mutant]]:
    """Class by class what the proof speaks of: the mutants of it that lie behind the statement."""
    harness, tell = proof.state(proof.design), _tell(progress)
    reached = cone(harness, tell)
    behind = [
        mutant
        for mutant in candidates(harness.below, harness.module, tell)
        if (mutant.module, mutant.cell, mutant.port, mutant.portbit) in reached
    ]
    _, _, name = proof.name.rpartition(".")  # a core may be a part of another
    paths = [_below(proof.design, module) for module in proof.design.modules]
    speaks = SPEAKS_OF.get(name, {})
    if not speaks or not all(any(fnmatchcase(path, part) for path in paths) for part in speaks):
        kinds = sorted({mutant.hits for mutant in behind})
        return {("", kind): [each for each in behind if each.hits == kind] for kind in kinds}
    found = {}
    for part, kinds in speaks.items():
        inside = [each for each in behind if fnmatchcase(_below(proof.design, each.module), part)]
        found |= {(part, kind): [each for each in inside if each.hits == kind] for kind in kinds}
    return found


def _below(design: Design, module: str) -> str:
    """The path of a part: its module's name is one."""
    return module.removeprefix(design.top).removeprefix(".")


def judge(
    proof: Proof, mutant: Mutant, folder: Path, progress: Progress = lambda _: None
) -> Outcome:
    """What becomes of the statement on a mutant by a search from power-up: first among the inputs
    that the proof's own twin needs, and further, then among all. Where a tool fails it is unknown,
    and what the tool said stands in the place of a claim."""
    twin, begun = proof.twin, time.monotonic()
    broken = spoilt(proof, mutant, progress)
    far = [(max(twin.depth, FAR), twin.driven)] if twin.driven else []
    found = Outcome(UNKNOWN, 0.0, None, "")
    for depth, inputs in [*far, (twin.depth, {})]:
        harness = proof.broken(Twin(str(mutant), broken, depth, inputs))
        try:
            found = _solved(proof, harness, "bmc", depth, folder, progress)
        except VacuousError:  # the fault takes away what is assumed, so nothing shows it
            continue
        except ProofError as error:
            found = Outcome(UNKNOWN, 0.0, None, str(error))
        if found.status == REFUTED:
            break
    return replace(found, seconds=time.monotonic() - begun)


def holds(proof: Proof, mutant: Mutant, folder: Path) -> Outcome:
    """What becomes of the induction on a mutant.

    Raises
    ------
    ProofError : a tool fails.
    """
    harness = proof.state(spoilt(proof, mutant))
    return _solved(proof, harness, "prove", proof.depth, folder, lambda _: None)


def spoilt(proof: Proof, mutant: Mutant, progress: Progress = lambda _: None) -> Design:
    """The proof's design with the fault in it."""
    harness = proof.state(proof.design)
    text = mutated(harness.below, harness.module, mutant, _tell(progress))
    return proof.design.with_modules(text)


def _solved(
    proof: Proof, harness: Harness, mode: str, depth: int, folder: Path, progress: Progress
) -> Outcome:
    """Like `solve`, without waveforms."""
    name = f"{proof.name}.drawn"
    found = solve(name, harness, mode, depth, folder, progress, proof.design)
    if found.trace:
        found.trace.unlink()
    return replace(found, trace=None)


def _tell(progress: Progress) -> Callable[[str, str], None]:
    """The same for Yosys alone."""
    return lambda _, said: progress(said)
