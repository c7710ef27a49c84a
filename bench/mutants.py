"""The mutation score of the comparison: `python -m bench.mutants [--count N] [--json FILE]`.

Mutants of two small cores, half of them each. What the scenarios of `sim.stimuli` do not show goes
to a solver, as the question whether it can show at all, and to the proofs that speak of the place;
what these do not settle must be explained in `bench/mutants.toml`. Ends with status 1 where less
than 99.5 % of those that can show are found, or where one is not explained. See docs/mutants.md.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint import quantize
from fixedpoint.formats import Formats
from golden import Network
from golden.errors import CarouselError
from rtl.core import Core
from rtl.kit.header import digest
from rtl.mutants.equivalence import EQUAL_LOGIC, SEARCH, equivalent
from rtl.mutants.mutant import Mutant
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.statements import MAKERS, catalogue
from rtl.proofs.status import PROVEN
from rtl.proofs.twins import SPEAKS_OF, holds
from rtl.verilog import convert
from sim.mutants import TOP, Mutants, build_mutants
from sim.stimuli import POOL, Stimuli
from tests.rtl.support import layer, make_core, readout, stack

COUNT, SEED, LEAST = 900, 1, 0.995
RESULTS, REASONS = Path(__file__).with_suffix(".json"), Path(__file__).with_suffix(".toml")
KILLED, EQUIVALENT, EXPLAINED, SURVIVES = "killed", "equivalent", "explained", "survives"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it.

    Attributes
    ----------
    fate : `killed`, `equivalent` (a solver says so), `explained` (equivalent, for a reason in the
        file) or `survives`.
    said : what killed it, how its equivalence is known, or the reason; empty where there is none.
    """

    mutant: Mutant
    fate: str
    said: str


def cores() -> dict[str, Core]:
    """What is mutated, by name; states, outputs and net inputs of both saturate."""
    rng = np.random.default_rng(1)
    cells = layer(rng, 2, 2, 2, forget=False, recurrence=True, g="g1997", h="h1997")
    blocks = Network((cells,), readout(rng, 4, 1, "sigma"))
    rng.normal(size=(4, 12, 2))  # so that the second network stays the one that was measured
    layers = stack(rng, 2, 3, 2)
    return {
        "1997, blocks, gate recurrence, readout": _core(blocks, "blocks", 2),
        "forget gates, two layers": _core(layers, "layers", 3),
    }


def _core(net: Network, name: str, lanes: int) -> Core:
    """With formats of a file: 8 bits of everything, so that all codes can be shown."""
    formats = Formats.parse(Path(__file__).with_name(f"mutants_{name}.json"))
    return make_core(quantize(net, formats), lanes, probe=True)


def judged(
    mutants: Mutants,
    reasons: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, str],
    say: Say = lambda _: None,
    deep: bool = True,
) -> list[Judged]:
    """What becomes of each mutant of a core.

    Parameters
    ----------
    reasons : what the file says, by the mutant's name.
    known : equivalences that have been found before, by name.
    deep : run proofs and search on what is left; else only equal logic is found.

    Raises
    ------
    CarouselError : the core is wrong without any mutant.
    """
    text, named = convert(mutants.core, TOP), {str(m): m for m in mutants.mutants}
    shown = {named[name]: how for name, how in known.items()}
    shown |= equivalent(text, TOP, [m for m in mutants.mutants if m not in shown], EQUAL_LOGIC)
    killed = _simulated(mutants, shown, say)
    settled = (*killed, *shown, *(named[name] for name in reasons if name in named))
    asked = [m for m in mutants.mutants if deep and m not in settled]
    say(f"asks the solver about {len(asked)}")
    shown |= equivalent(text, TOP, asked, SEARCH)
    for mutant in [m for m in asked if m not in shown]:
        say(f"proofs on {mutant}")
        if proof := noticed(mutants.core, text, mutant):
            killed[mutant] = proof
    return [
        Judged(mutant, *_fate(mutant, killed, shown, reasons.get(str(mutant), {})))
        for mutant in mutants.mutants
    ]


def _simulated(mutants: Mutants, shown: Collection[Mutant], say: Say) -> dict[Mutant, str]:
    """What the scenarios kill, and with what; those that are shown to be equivalent are not
    played."""
    stimuli = Stimuli(mutants.core)
    # a reset in every clock of a step, and all codes that are known how to show
    first, *rest = stimuli.scenarios(stimuli.period, POOL)
    found: dict[int, str] = {}
    played = (k for k, mutant in enumerate(mutants.mutants, 1) if mutant not in shown)
    left = [0, *played]  # 0 is the sound core
    for scenarios in ([first], rest):
        total = len(left)
        told = mutants.play(
            left, scenarios, lambda done, total=total: say(f"simulated {done} of {total}")
        )
        found |= {number: what for number, what in told.items() if what}
        left = [number for number in left if number not in found]
    if 0 in found:
        raise CarouselError(f"without any mutant: {found[0]}")
    return {mutants.mutants[number - 1]: what for number, what in found.items()}


def noticed(core: Core, text: str, mutant: Mutant) -> str:
    """Of the proofs that speak of a mutant's place the first that is not one of the mutant."""
    names = [
        name for name, parts in SPEAKS_OF.items() if mutant.hits in parts.get(part(mutant), ())
    ]
    design = Design(text, TOP)
    there = [name for name in names if name in MAKERS]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for proof in catalogue(core.plan, design, there)[0] if there else []:
            try:
                outcome = holds(proof, mutant, Path(folder))
            except ProofError:  # what the statement speaks of is gone with the fault
                continue
            if outcome.status != PROVEN:
                return f"proof {proof.name}: {outcome.status}"
    return ""


def part(mutant: Mutant) -> str:
    """The path of its module in the core."""
    return mutant.module.removeprefix(TOP).lstrip(".")


def _fate(
    mutant: Mutant,
    killed: Mapping[Mutant, str],
    shown: Mapping[Mutant, str],
    reason: Mapping[str, Any],
) -> tuple[str, str]:
    if mutant in killed:
        return KILLED, killed[mutant]
    if mutant in shown:
        return EQUIVALENT, shown[mutant]
    return EXPLAINED if reason.get("equivalent") else SURVIVES, reason.get("reason", "")


def score(found: Sequence[Judged]) -> float:
    """Which share of those that are not equivalent are killed."""
    fates = Counter(each.fate for each in found)
    return fates[KILLED] / (fates[KILLED] + fates[SURVIVES])


def status(found: Sequence[Judged]) -> int:
    """0 where enough are killed, and every survivor has a reason."""
    unexplained = [each for each in found if each.fate == SURVIVES and not each.said]
    return int(score(found) < LEAST or bool(unexplained))


def needless(found: Sequence[Judged], reasons: Collection[str]) -> list[str]:
    """The reasons that nothing needs, by the mutant's name."""
    needed = {str(each.mutant) for each in found if each.fate in (EXPLAINED, SURVIVES)}
    return [name for name in reasons if name not in needed]


def table(found: Sequence[Judged], by: Callable[[Mutant], str]) -> list[str]:
    """Lines of a table: mutants, killed, equivalent, explained, surviving."""
    groups: dict[str, Counter[str]] = {}
    for each in found:
        groups.setdefault(by(each.mutant), Counter())[each.fate] += 1
    lines = ["| | drawn | killed | equivalent | explained | survive |", "|---|--:|--:|--:|--:|--:|"]
    for name, fates in [*sorted(groups.items()), ("all", Counter(each.fate for each in found))]:
        counts = (
            fates.total(),
            *(fates[fate] for fate in (KILLED, EQUIVALENT, EXPLAINED, SURVIVES)),
        )
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return lines


def report(found: Sequence[Judged]) -> str:
    """Tables by module, by what is hit and by operator, the survivors, and the score."""
    tables = (
        table(found, key)
        for key in (lambda m: part(m) or "core", lambda m: m.hits, lambda m: m.kind)
    )
    left = [each for each in found if each.fate == SURVIVES]
    lines = [f"survives: {each.mutant}: {each.said or 'not explained'}" for each in left]
    return "\n\n".join(
        (*("\n".join(each) for each in tables), *lines, f"score: {100 * score(found):.2f} %")
    )


def _known(file: Path, core: str, text: str) -> dict[str, str]:
    """Equivalences in a file of results, where they are of the same Verilog."""
    if not file.exists():
        return {}
    entry = json.loads(file.read_text()).get(core, {})
    if entry.get("verilog_sha256") != digest(text):
        return {}
    return {m["mutant"]: m["said"] for m in entry["mutants"] if m["fate"] == EQUIVALENT}


def _entry(found: Sequence[Judged], text: str) -> dict[str, Any]:
    rows = [
        {"mutant": str(each.mutant), "kind": each.mutant.kind, "hits": each.mutant.hits}
        | {"fate": each.fate, "said": each.said.partition("; first:")[0]}
        for each in found
    ]
    return {"verilog_sha256": digest(text), "score": score(found), "mutants": rows}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    reasons = tomllib.loads(REASONS.read_text()) if REASONS.exists() else {}
    subjects = cores()
    found, useless = list[Judged](), list[str]()
    results = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name, core in subjects.items():

        def say(what: str, name: str = name) -> None:
            print(f"\r{name}: {what}\033[K", end="", file=sys.stderr, flush=True)

        text = convert(core, TOP)
        say("builds")
        mutants = build_mutants(core, options.count // len(subjects), SEED)
        mine = judged(mutants, reasons.get(name, {}), _known(options.json, name, text), say)
        found += mine
        useless += needless(mine, reasons.get(name, {}))
        results[name] = _entry(mine, text)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
        say(f"score {100 * score(mine):.2f} %\n")
    print(report(found))
    for name in useless:
        print(f"{REASONS.name}: {name} needs no reason")
    return status(found) or int(bool(useless))


if __name__ == "__main__":
    sys.exit(main())
