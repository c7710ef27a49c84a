"""One trial of an experiment: from random weights to the criterion, resumable to the last bit."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from golden import fast_learning
from golden.batch import Batch
from golden.closing import Closing
from golden.experiments.criteria import History
from golden.experiments.experiment import Experiment
from golden.experiments.shortcut import as_network
from golden.experiments.wiring import with_cells, without_cells
from golden.learning import Parameters
from golden.network import Network
from golden.squash import Array
from golden.tasks.reber import Reber
from golden.tasks.task import Task
from golden.training import TrainingError

CHUNK = 100  # sequences between two looks at the criteria
PRESS = 10  # sequences between two pushes of a closing pressure
PIECE = 32  # sequences between two looks at whether a test has failed already
TESTED = 2560  # the paper's number of new sequences after training

State = Mapping[str, np.ndarray]
Progress = Callable[["Training"], None]


@dataclass(frozen=True)
class Result:
    """What came of a trial, in numbers.

    Attributes
    ----------
    experiment, seed : which one.
    solved : whether all criteria were met.
    presented : training sequences until it ended.
    sequences : what each criterion that was met counts, by its name.
    tested, wrong : new sequences after training, and how many of them were answered wrongly.
    mean_abs, rmse : mean and root of the mean square of their |error|, of several outputs the mean.
    seconds : of the processor that training took, without the test.
    """

    experiment: str
    seed: int
    solved: bool
    presented: int
    sequences: Mapping[str, int]
    tested: int
    wrong: int
    mean_abs: float
    rmse: float
    seconds: float


@dataclass(frozen=True)
class Trial(Result):
    """What came of a trial.

    Attributes
    ----------
    network : with the weights at the end.
    """

    network: Network

    def as_dict(self) -> dict[str, Any]:
        """Everything but the network, ready for JSON."""
        return {each.name: getattr(self, each.name) for each in fields(Result)}


def run_trial(
    experiment: Experiment, seed: int, progress: Progress | None = None, state: State | None = None
) -> Trial:
    """Train until the criteria are met, or `experiment.longest` sequences were not enough.

    The same seed gives the same trial on one machine, in one go or in several.

    Parameters
    ----------
    seed : whole number, at least 0.
    progress : called after every hundred sequences with the `Training`, whose `state` can be kept.
    state : what a `Training.state` of the same experiment and seed gave, to go on from there.

    Raises
    ------
    TrainingError : weights or outputs are no longer finite; names the experiment and the seed.
    CarouselError : numba is not installed.
    """
    training = Training(experiment, seed, state)
    while not training.finished:
        training.advance()
        if progress:
            progress(training)
    return training.result()


class Training:
    """A trial under way.

    Attributes
    ----------
    experiment, seed : which one.
    p : the weights as they are now.
    history : what training has shown lately; `history.presented` sequences so far.
    reached : what each criterion that was met counts, by its name.
    grown : whether the cells are there.
    closing : the closing pressure, or None where there is none, or none yet.
    finished : whether it is over.
    seconds : of the processor spent so far.
    """

    def __init__(self, experiment: Experiment, seed: int, state: State | None = None) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise TrainingError(f"seed {seed!r}: must be a whole number, at least 0")
        fast_learning.kernels()
        self.experiment, self.seed = experiment, seed
        streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(4)]
        start, sets, self._drawing, self._testing = streams
        self._whole = experiment.wiring.draw(start, experiment.entropy)
        self.p = without_cells(self._whole) if experiment.grows else self._whole
        self.grown = not experiment.grows
        self.closing: Closing | None = None
        self._task, self._test_task = experiment.task.split(sets)
        self.history, self.reached, self.seconds = History(), dict[str, int](), 0.0
        if experiment.closing and (mark := experiment.task.mark) is not None:
            self._press().begin(mark)
        if state is not None:
            self._restore(state)

    @property
    def solved(self) -> bool:
        shut = self.experiment.closing == 0.0 or (self.closing is not None and self._shut)
        return shut and self._met

    @property
    def _met(self) -> bool:
        return len(self.reached) == len(self.experiment.stops)

    @property
    def _shut(self) -> bool:
        return self.closing is None or self.closing.gap <= 0.0

    @property
    def finished(self) -> bool:
        return self.solved or self.history.presented >= self.experiment.longest

    def __str__(self) -> str:
        lately = self.history
        return f"{lately.wrong_lately} of the last {len(lately.right[-2000:])} wrong"

    def advance(self) -> None:
        """Train on the next hundred sequences, or on those until the last criterion is met."""
        begun = time.process_time()
        batch = self._task.sequences(self._drawing, CHUNK)
        before = self.p.hidden.copy(), self.p.readout.copy()
        out = self._learn(batch)
        self.history.add(self._task.error(batch, out), self._task.right(batch, out))
        if not self.grown and self.history.stalled:
            self._grow()
        if self._shut:
            self._ask(before, batch)
        if self._met and self.experiment.closing and self.closing is None:
            self.reached, self.history = {}, History(self.history.presented)
            self._press()
        self.seconds += time.process_time() - begun

    def _ask(self, before: tuple[Array, Array], batch: Batch) -> None:
        """Which criteria are met after `batch`; `before` it the weights were these.

        Under a closing pressure a trial ends after a whole batch, when all gates are shut.
        """
        exam = TrialExam(self.p, self._task, self._test_task, self._testing)
        for criterion in self.experiment.stops:
            if criterion.name not in self.reached:
                met = criterion.met(self.history, exam)
                if met is None:
                    break
                met = met if self.closing is None else self.history.presented
                self.reached[criterion.name] = criterion.count(met)
                if self._met and met < self.history.presented:
                    self._go_back(before, batch[: met - self.history.presented])

    def _press(self) -> Closing:
        """From now on there is a closing pressure."""
        boxes = self.experiment.task.between
        assert boxes is not None, "what comes between is known of a task with a closing pressure"
        self.closing = Closing(self.p, boxes, self.experiment.closing)
        return self.closing

    def _learn(self, batch: Batch) -> Array:
        """Outputs for a batch, each from before its sequence changed the weights."""
        if self.closing is None:
            return self._train(batch)
        parts = []
        for start in range(0, len(batch), PRESS):
            parts.append(self._train(batch[start : start + PRESS]))
            self.closing.press(self.experiment.rate)
        return np.concatenate(parts)

    def _train(self, batch: Batch) -> Array:
        rate, each_step = self.experiment.rate, self.experiment.each_step
        out, done = fast_learning.train(self.p, batch, rate, each_step)
        finite = np.all(np.isfinite(self.p.hidden)) and np.all(np.isfinite(self.p.readout))
        if done < len(batch) or not finite:
            where = f"{self.experiment.name}: seed {self.seed} diverged"
            raise TrainingError(f"{where} after {self.history.presented + done} sequences")
        return out

    def _grow(self) -> None:
        self.p, self.grown = with_cells(self.p, self._whole), True

    def _go_back(self, before: tuple[Array, Array], batch: Batch) -> None:
        """To the weights after the sequences of `batch` alone, from those `before` them."""
        self.p.hidden[:], self.p.readout[:] = before
        self._learn(batch)
        self.history.presented -= CHUNK - len(batch)

    def result(self) -> Trial:
        """Test what was learnt on 2560 new sequences."""
        exam = TrialExam(self.p, self._task, self._test_task, self._testing)
        wrong, errors = exam.judge(TESTED, TESTED)
        name = self.experiment.name
        made_by = f"carousel experiments {name} --seed {self.seed} --trials 1"
        return Trial(
            experiment=name,
            seed=self.seed,
            solved=self.solved,
            presented=self.history.presented,
            sequences=dict(self.reached),
            tested=TESTED,
            wrong=wrong,
            mean_abs=float(np.mean(errors)),
            rmse=float(np.sqrt(np.mean(np.square(errors)))),
            seconds=self.seconds,
            network=as_network(self.p, name, made_by),
        )

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next `advance` depends on, ready for `np.savez`."""
        rest = {
            "experiment": self.experiment.name,
            "seed": self.seed,
            "grown": self.grown,
            "closing": self.closing is not None,
            "reached": self.reached,
            "seconds": self.seconds,
            "presented": self.history.presented,
            "new": self.history.new,
            "run": self.history.run,
            "drawing": self._drawing.bit_generator.state,
            "testing": self._testing.bit_generator.state,
        }
        return {
            "hidden": self.p.hidden.copy(),
            "readout": self.p.readout.copy(),
            "errors": self.history.errors,
            "right": self.history.right,
            "rest": np.array(json.dumps(rest)),
        }

    def _restore(self, state: State) -> None:
        rest = json.loads(str(state["rest"]))
        have, want = (rest["experiment"], rest["seed"]), (self.experiment.name, self.seed)
        if have != want:
            raise TrainingError(
                f"state: of {have[0]}, seed {have[1]}, must be of {want[0]}, seed {want[1]}"
            )
        if rest["grown"] and not self.grown:
            self._grow()
        if rest["closing"]:
            self._press()
        self.p.hidden[:], self.p.readout[:] = state["hidden"], state["readout"]
        self.reached, self.seconds = dict(rest["reached"]), rest["seconds"]
        kept = state["errors"], state["right"]
        self.history = History(rest["presented"], rest["new"], *kept, rest["run"])
        self._drawing.bit_generator.state = rest["drawing"]
        self._testing.bit_generator.state = rest["testing"]


@dataclass(frozen=True)
class TrialExam:
    """Answers of a network as it is now; see `golden.experiments.criteria.Exam`."""

    p: Parameters
    trained: Task
    task: Task
    rng: np.random.Generator

    def fresh(self, count: int, wrong_below: int) -> tuple[int, float]:
        wrong, errors = self.judge(count, wrong_below)
        return wrong, float(np.mean(errors))

    def judge(self, count: int, wrong_below: int) -> tuple[int, Array]:
        """How many of `count` new sequences are wrong, and each one's mean |error|.

        Looks at no more of them when `wrong_below` is reached.
        """
        wrong, errors = 0, []
        for _ in range(0, count, PIECE):
            batch = self.task.sequences(self.rng, min(PIECE, count))
            out = fast_learning.run(self.p, batch)
            wrong += int(np.count_nonzero(~self.task.right(batch, out)))
            errors.append(self.task.error(batch, out))
            if wrong >= wrong_below:
                break
        return wrong, np.concatenate(errors)

    def strings(self) -> bool:
        assert isinstance(self.trained, Reber)
        every = self.trained.both_sets
        pieces = (every[start : start + PIECE] for start in range(0, len(every), PIECE))
        right = (self.trained.right(piece, fast_learning.run(self.p, piece)) for piece in pieces)
        return all(bool(part.all()) for part in right)
