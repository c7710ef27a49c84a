"""What became of a statement, in the same words in every table, file and report.

A statement that was run is proven, refuted (there is a counterexample) or unknown (the solver found
neither). A broken twin is refuted, passes (the statement holds of it, as far as was searched) or is
unknown. A statement without an answer is inapplicable (what it speaks of is not in this core, so
nothing is lost), not provable (it applies, but cannot be stated of this core), failed (a tool ended
with an error) or not run (it was not asked for).
"""

from dataclasses import dataclass

PROVEN, REFUTED, UNKNOWN = FOUND = "proven", "refuted", "unknown"
PASSES = "passes"
OF_TWINS = REFUTED, PASSES, UNKNOWN
INAPPLICABLE, NOT_PROVABLE, FAILED, NOT_RUN = LEFT_OUT = (
    "inapplicable",
    "not provable",
    "failed",
    "not run",
)
IN_VAIN = NOT_PROVABLE, FAILED


@dataclass(frozen=True)
class LeftOut:
    """A statement without an answer.

    Attributes
    ----------
    status : one of `LEFT_OUT`.
    why : the reason, in words.
    """

    status: str
    why: str

    def __post_init__(self) -> None:
        if self.status not in LEFT_OUT:
            raise ValueError(f"status {self.status}: must be one of {', '.join(LEFT_OUT)}")
