"""Drawn twins of every proof: `python -m bench.twins [PROOF]... [--json FILE]`.

Of small cores (`tests.rtl.proofs.test_twins.proof_of`), of the buses around one, and of what lies
between the parts of a core of whole sequences, broken twins are drawn until five of each proof are
refuted, one at least of each class of places that it speaks of. What the file has of the same
statement and the same classes is not drawn again. Ends with status 1 where that cannot be had.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.proofs import Results, worked
from carousel.report.tables import Table
from rtl.mutants.mutant import Mutant
from rtl.proofs import Proof
from rtl.proofs.errors import ProofError
from rtl.proofs.record import asked
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from rtl.proofs.status import PROVEN, REFUTED, UNKNOWN
from rtl.proofs.twins import LOGIC, MEMORY, SPEAKS_OF, Challenge, challenge, holds
from tests.rtl.proofs.test_sequences import PASSING, SIZES
from tests.rtl.proofs.test_twins import COUNT, proof_of

RESULTS = Path(__file__).with_suffix(".json")
CLASSES = (*MEMORY, "enable", *LOGIC)
NAMES: Mapping[str, Callable[[], Proof]] = {
    **{name: partial(proof_of, name) for name in (*MAKERS, *TRAINED, *BUSES)},
    **{name: partial(make, *SIZES[0]) for name, make in PASSING.items()},
}


def run(names: Sequence[str], file: Path) -> Results:
    """The file's results with those of some proofs added, which are written as they come."""
    results: Results = json.loads(file.read_text()) if file.exists() else {}
    for name in names:
        proof = NAMES[name]()
        wanted = {"statement_sha256": asked(proof), "speaks_of": speaks_of(name)}
        if wanted.items() <= results.get(name, {}).items():
            continue
        before = worked()
        with tempfile.TemporaryDirectory(prefix="twins-") as place:
            found = told(proof, challenge(proof, COUNT, Path(place)), Path(place))
        cpu = round(worked() - before)
        results[name] = {**wanted, "cpu": cpu, **found}
        results = {each: results[each] for each in NAMES if each in results}
        file.write_text(json.dumps(results, indent=1) + "\n")
        said = found["lacks"] or f"of {len(found['drawn'])} enough are refuted"
        print(f"{name}: {said}, {cpu} s", file=sys.stderr, flush=True)
    return results


def speaks_of(name: str) -> dict[str, list[str]] | None:
    """By part the classes of places of which a proof must notice some; None where it is any."""
    if name not in SPEAKS_OF:
        return None
    return {part: list(kinds) for part, kinds in SPEAKS_OF[name].items()}


def told(proof: Proof, found: Challenge, folder: Path) -> Results:
    """What came of a proof's drawn twins, and what they lack; of those that are not refuted whether
    the statement is proven of them too: then it says nothing of what they spoil."""
    drawn = []
    for each in found.drawn:
        result = each.outcome.status
        also = {} if result == REFUTED else {"holds": still(proof, each.mutant, folder)}
        twin = {"mutant": str(each.mutant), "hits": each.mutant.hits, "result": result, **also}
        drawn.append({**twin, "broken": each.outcome.broken})
    return {"lacks": found.lacks, "drawn": drawn}


def still(proof: Proof, mutant: Mutant, folder: Path) -> str:
    """What becomes of the induction on a mutant; unknown where nothing fulfils what is assumed."""
    try:
        return holds(proof, mutant, folder).status
    except ProofError:
        return UNKNOWN


def table(results: Results) -> str:
    """By proof how many were drawn, refuted, and proven all the same; by class those refuted."""
    rows = []
    for name, entry in results.items():
        refuted = Counter(twin["hits"] for twin in entry["drawn"] if twin["result"] == REFUTED)
        same = sum(twin.get("holds") == PROVEN for twin in entry["drawn"])
        of_all = len(entry["drawn"]), refuted.total(), same or ""
        counts = *of_all, *(refuted[hits] or "" for hits in CLASSES)
        rows.append((f"`{name}`", *map(str, counts), str(entry["cpu"])))
    return Table.of(
        "", ("proof", "drawn", "refuted", "still proven", *CLASSES, "processor"), rows
    ).markdown()


def ok(results: Results) -> bool:
    """Whether enough are refuted of every proof."""
    return not any(entry["lacks"] for entry in results.values())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if unknown := set(options.proofs) - set(NAMES):
        parser.error(f"{', '.join(unknown)}: must be of {', '.join(NAMES)}")
    results = run(options.proofs or list(NAMES), options.json)
    print(table(results))
    return int(not ok(results))


if __name__ == "__main__":
    sys.exit(main())
