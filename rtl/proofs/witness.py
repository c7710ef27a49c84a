"""An independent witness: the same statements in another engine, by another way.

Yosys' own `sat` unrolls the netlist, cell by cell, into clauses for MiniSAT, and does the induction
itself: neither sby nor yosys-smtbmc, no SMT-LIB and no Yices have a part in it. What it
shares with the proofs is the text of the design and of the statement, and Yosys' reading of them.
It is slow, and so for small cores.
"""

import tempfile
import time
from pathlib import Path

from golden.processes import supervise
from rtl.flow.tools import failure, latest
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import TOP, Harness
from rtl.proofs.proof import Proof
from rtl.proofs.solver import YOSYS, Outcome, Progress, Proven, environment, files, script
from rtl.proofs.status import PASSES, PROVEN, REFUTED, UNKNOWN

ENGINE = "yosys sat (MiniSAT)"
# a constant that may be anything is a register that keeps what it began with
CONSTANT = """module \\$anyconst (output [WIDTH-1:0] Y);
parameter WIDTH = 1;
\\$ff #(.WIDTH(WIDTH)) kept (.D(Y), .Q(Y));
endmodule
"""
WORDS = {  # by how the answer begins
    "Induction step proven": PROVEN,
    "SAT temporal induction proof finished - model found for base case": REFUTED,
    "Reached maximum number of time steps -> proved base case": PASSES,
    "Reached maximum number of time steps -> proof failed": UNKNOWN,
}


def prove_again(proof: Proof, folder: Path, progress: Progress = lambda _: None) -> Outcome:
    """Run a proof without its twin; `folder` is for what the tool needs meanwhile.

    Raises
    ------
    ProofError : the tool fails.
    """
    return _run(proof.state(proof.design), "-tempinduct", proof.depth, folder, progress)


def witness(proof: Proof, folder: Path, progress: Progress = lambda _: None) -> Proven:
    """Run a proof and its twin, as `prove_again`."""
    again = prove_again(proof, folder, progress)
    harness = proof.broken(proof.twin)
    twin = _run(harness, "-tempinduct-baseonly", proof.twin.depth, folder, progress)
    return Proven(proof, again, twin)


def commands(harness: Harness, mode: str, depth: int) -> str:
    """What Yosys is to do; a value that is free in every clock is a net without a driver here."""
    return f"""{script(harness)}memory_map
chformal -lower
techmap -map constant.v
delete t:$anyseq
sat -prove-asserts -set-assumes {mode} -maxsteps {depth + 1} {TOP}
"""


def _run(harness: Harness, mode: str, depth: int, folder: Path, progress: Progress) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".witness-", dir=folder) as temporary:
        here, log = Path(temporary), Path(temporary) / "log"
        job = {"job.ys": commands(harness, mode, depth), "constant.v": CONSTANT}
        for file, text in {**files(harness), **job}.items():
            (here / file).write_text(text, encoding="utf-8", newline="\n")
        command = [YOSYS, "job.ys"]
        supervise(command, log, environment(here), here, lambda: progress(latest(log)))
        lines = log.read_text(errors="replace").splitlines()
        said = [word for line in lines for start, word in WORDS.items() if line.startswith(start)]
        if len(said) != 1:
            raise ProofError(f"witness: {YOSYS} gives {len(said)} answers: {failure(log)}")
        return Outcome(said[0], time.monotonic() - begun, None, "")
