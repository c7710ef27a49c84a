"""One row of the paper's tables as data."""

from collections.abc import Mapping
from dataclasses import dataclass

from golden.experiments.criteria import Criterion
from golden.experiments.wiring import Wiring
from golden.tasks.task import Task


@dataclass(frozen=True)
class Paper:
    """What the paper reports of a row.

    Attributes
    ----------
    sequences : mean number of training sequences, by the name of a criterion.
    trials : how many there were.
    solved : the fraction of them that met all criteria.
    wrong : the fraction of test sequences answered wrongly, or None.
    error : the error on the test set as it is printed, or None.
    """

    sequences: Mapping[str, int]
    trials: int
    solved: float = 1.0
    wrong: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class Experiment:
    """A task, a network, how it learns and until when.

    Attributes
    ----------
    name : as on the command line.
    table, row : where it stands in the paper.
    task : what is learnt.
    wiring : the network before.
    rate : the learning rate.
    stops : criteria; a trial ends when all are met, one after the other.
    longest : so many sequences, and a trial has failed.
    paper : what the paper reports.
    reading : how the text was read where it leaves a choice, in one sentence or more; "" where the
        choices are those of the task and the criteria alone.
    each_step : whether weights change after every step that has a target, else once a sequence.
    grows : whether the cells and their gates come only when the error has stopped decreasing: when
        the mean |error| of 500 sequences is more than 0.9 of that of the 500 before.
    entropy : whether the error is the cross-entropy of the outputs, not half the square.
    closing : strength of a closing pressure (`golden.closing`), which begins when the criteria are
        met and goes on until they are met again, with all gates shut; where the task has marks it
        is there from the beginning, with gates that only a mark opens; 0: none.
    other : what was read in another way that the text allows as well; "" for the reading that is
        reported as the paper's row.
    beyond : what was changed that the text does not allow; "" for the paper's own.
    """

    name: str
    table: int
    row: str
    task: Task
    wiring: Wiring
    rate: float
    stops: tuple[Criterion, ...]
    longest: int
    paper: Paper
    reading: str = ""
    each_step: bool = False
    grows: bool = False
    entropy: bool = False
    closing: float = 0.0
    other: str = ""
    beyond: str = ""

    @property
    def own(self) -> bool:
        """Whether it is the paper's row as it was read, neither another reading nor a remedy."""
        return not (self.other or self.beyond)
