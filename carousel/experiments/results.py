"""Results of a campaign: for each row of the paper's tables what it says and what came out here."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from carousel.experiments.contrast import Contrast
from carousel.experiments.gateware import Carried
from carousel.experiments.trials import TrialOutcome
from golden.experiments import Experiment, Paper


@dataclass(frozen=True)
class Counts:
    """Training sequences of the trials that solved their task, by one criterion."""

    mean: float
    median: float
    least: int
    most: int

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Counts":
        return cls(statistics.mean(numbers), statistics.median(numbers), min(numbers), max(numbers))


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's tables.

    Attributes
    ----------
    name, table, row, reading, other, beyond, paper : as of a `golden.experiments.Experiment`.
    criteria : names of what ends a trial.
    trials : what came of each, by seed; none where it was not run.
    """

    name: str
    table: int
    row: str
    reading: str
    other: str
    beyond: str
    paper: Paper
    criteria: tuple[str, ...]
    trials: tuple[TrialOutcome, ...]

    @classmethod
    def of(cls, e: Experiment, trials: Sequence[TrialOutcome]) -> "PaperRow":
        criteria = tuple(stop.name for stop in e.stops)
        words = e.name, e.table, e.row, e.reading, e.other, e.beyond
        return cls(*words, e.paper, criteria, tuple(trials))

    @property
    def own(self) -> bool:
        """As of an `Experiment`."""
        return not self.mark

    @property
    def mark(self) -> str:
        """What stands behind its name."""
        return " *" if self.beyond else " +" if self.other else ""

    @property
    def task(self) -> str:
        """The experiment's number, which its rows share; those under a closing pressure apart."""
        number = self.name.split("-")[0]
        return f"{number}-held" if self.name.endswith("-held") else number

    @property
    def solved(self) -> list[TrialOutcome]:
        return [each for each in self.trials if each.solved]

    @property
    def failed(self) -> list[TrialOutcome]:
        return [each for each in self.trials if not each.solved]

    @property
    def mostly(self) -> bool:
        """Whether it was solved in more than half of the trials."""
        return len(self.solved) > len(self.failed)

    def counts(self, criterion: str) -> Counts | None:
        """None where no trial solved the task."""
        sequences = [each.sequences[criterion] for each in self.solved]
        return Counts.of(sequences) if sequences else None

    @property
    def best(self) -> TrialOutcome | None:
        """The solved trial with the fewest test sequences wrong; of several the first."""
        return min(self.solved, key=lambda each: each.wrong, default=None)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "PaperRow":
        """What `as_dict` gave, JSON's lists included."""
        parts = {
            "paper": Paper(**plain["paper"]),
            "criteria": tuple(plain["criteria"]),
            "trials": tuple(map(TrialOutcome.from_dict, plain["trials"])),
        }
        return cls(**{**plain, **parts})


@dataclass(frozen=True)
class Results:
    """All that a campaign found.

    Attributes
    ----------
    rows : every row of the paper's tables.
    carried : a learnt network of each task that was solved, in fixed point and gateware.
    contrast : plain recurrent networks.
    """

    rows: tuple[PaperRow, ...]
    carried: tuple[Carried, ...]
    contrast: Contrast

    @property
    def solved(self) -> dict[str, list[TrialOutcome]]:
        """Trials that solved their task, by the row's name."""
        return {row.name: row.solved for row in self.rows}

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": [row.as_dict() for row in self.rows],
            "carried": [each.as_dict() for each in self.carried],
            "contrast": self.contrast.as_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Results":
        """What `as_dict` gave, JSON's lists included."""
        rows = tuple(map(PaperRow.from_dict, plain["rows"]))
        carried = tuple(map(Carried.from_dict, plain["carried"]))
        return cls(rows, carried, Contrast.from_dict(plain["contrast"]))
