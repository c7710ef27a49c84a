"""What was proven of a Verilog text, as a file: `carousel prove` writes it, a report reads it.

The SHA-256 of the text says what the record is about: of any other text it says nothing.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from golden.files import replacing
from rtl.kit.header import digest
from rtl.proofs.errors import ProofError
from rtl.proofs.proof import ENGINE, Proof
from rtl.proofs.solver import Outcome, Proven
from rtl.proofs.status import (
    FOUND,
    IN_VAIN,
    NOT_RUN,
    OF_TWINS,
    PROVEN,
    REFUTED,
    LeftOut,
)
from rtl.proofs.twins import Challenge

FILE = "proofs.json"  # in the folder of the counterexamples


@dataclass(frozen=True)
class Entry:
    """One proof and what came of it.

    Attributes
    ----------
    name, claim, size, assumes, depth : those of `rtl.proofs.proof.Proof`; depth in clocks.
    statement_sha256 : of what was asked, see `asked`.
    method, engine : how it was proven, and by what of sby.
    result : what became of it, see `rtl.proofs.status`.
    seconds : how long that took.
    twin : the broken design: its `fault`, `result`, `seconds`, and the claim that was `broken`.
    drawn : likewise, of each twin that was drawn; `hits` says what its fault hits.
    lacks : what the drawn twins should have shown and did not, sentence by sentence.
    """

    name: str
    statement_sha256: str
    claim: str
    size: str
    assumes: tuple[str, ...]
    depth: int
    method: str
    engine: str
    result: str
    seconds: float
    twin: Mapping[str, Any]
    drawn: tuple[Mapping[str, Any], ...] = ()
    lacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twins = ((each["result"], OF_TWINS) for each in (self.twin, *self.drawn))
        for said, words in ((self.result, FOUND), *twins):
            if said not in words:
                raise ValueError(f"result {said}: must be one of {', '.join(words)}")

    @classmethod
    def of(cls, each: Proven, drawn: Challenge | None = None) -> "Entry":
        proof, found = each.proof, each.found
        return cls(
            proof.name,
            asked(proof),
            proof.claim,
            proof.size,
            proof.assumes,
            proof.depth,
            "k-induction",
            ENGINE,
            found.status,
            found.seconds,
            _twin(proof.twin.fault, each.twin),
            tuple(
                {**_twin(str(twin.mutant), twin.outcome), "hits": twin.mutant.hits}
                for twin in (drawn.drawn if drawn else ())
            ),
            drawn.lacks if drawn else (),
        )

    @property
    def ok(self) -> bool:
        """It is proven, its twin was refuted, and of the drawn ones what had to be."""
        return self.result == PROVEN and self.twin["result"] == REFUTED and not self.lacks

    @property
    def refuted(self) -> int:
        """How many of the drawn twins were refuted."""
        return sum(each["result"] == REFUTED for each in self.drawn)

    @property
    def seconds_in_all(self) -> float:
        """With all twins."""
        return self.seconds + sum(each["seconds"] for each in (self.twin, *self.drawn))


def _twin(fault: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "fault": fault,
        "result": outcome.status,
        "seconds": outcome.seconds,
        "broken": outcome.broken,
    }


@dataclass(frozen=True)
class Record:
    """The proofs of one Verilog text.

    Attributes
    ----------
    verilog_sha256 : what the record is found by, `rtl.kit.header.digest` of the text.
    proofs : those that were run.
    left_out : what became of all others, by name.
    """

    verilog_sha256: str
    proofs: tuple[Entry, ...]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        text: str,
        found: Iterable[Proven],
        left_out: Mapping[str, LeftOut],
        drawn: Mapping[str, Challenge] | None = None,
    ) -> "Record":
        entries = (Entry.of(each, (drawn or {}).get(each.proof.name)) for each in found)
        return cls(digest(text), tuple(entries), dict(left_out))

    @property
    def ok(self) -> bool:
        """Something is proven, and nothing that applies was tried in vain."""
        in_vain = any(each.status in IN_VAIN for each in self.left_out.values())
        return bool(self.proofs) and all(each.ok for each in self.proofs) and not in_vain

    def proves(self, names: Iterable[str]) -> bool:
        """Whether each of these is proven."""
        return set(names) <= {each.name for each in self.proofs if each.ok}

    def after(self, earlier: "Record | None", statements: Mapping[str, str]) -> "Record":
        """This record with what an earlier one of the same text has besides.

        Parameters
        ----------
        statements : what is asked of the text now, by name, see `asked`; where it is not what was
            asked earlier, the earlier answer is none.
        """
        if earlier is None or earlier.verilog_sha256 != self.verilog_sha256:
            return self
        now = {name: each for name, each in self.left_out.items() if each.status != NOT_RUN}
        names = {*now, *(each.name for each in self.proofs)}
        kept = tuple(
            each
            for each in earlier.proofs
            if each.name not in names and statements.get(each.name) == each.statement_sha256
        )
        run = {each.name for each in kept + self.proofs}
        left_out = {**self.left_out, **earlier.left_out, **now}
        return Record(
            self.verilog_sha256,
            kept + self.proofs,
            {name: each for name, each in left_out.items() if name not in run},
        )

    def plain(self) -> dict[str, Any]:
        """As JSON says it."""
        return {**asdict(self), "ok": self.ok}

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        ProofError : the place cannot be written.
        """
        with replacing(path, ProofError) as other:
            other.write_text(json.dumps(self.plain(), indent=2) + "\n", encoding="utf-8")


def asked(proof: Proof) -> str:
    """What a result is found by: the SHA-256 of a proof's statement and of its twin's, with the
    broken design and the depths."""
    twin = proof.twin
    texts = proof.state(proof.design).text, proof.broken(twin).text, twin.design.text
    return digest("\n".join((*texts, f"{proof.depth} {twin.depth}")))


def read(path: Path) -> Record | None:
    """The record in a file, or None where there is no such file.

    Raises
    ------
    ProofError : the file is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        proofs = (
            Entry(**{**each, **{name: tuple(each[name]) for name in ("assumes", "drawn", "lacks")}})
            for each in data["proofs"]
        )
        left_out = {name: LeftOut(**each) for name, each in data["left_out"].items()}
        return Record(data["verilog_sha256"], tuple(proofs), left_out)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProofError(
            f"{path}: no record of proofs as this version writes it ({error})"
        ) from None
