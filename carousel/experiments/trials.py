"""Trials of the paper's experiments side by side, each in slices, and a folder that keeps them.

A worker trains for a slice of time and gives the trial's state back, which goes to the folder and
then to whichever worker is free. So an interruption costs no more than the slices under way, and
wherever these end, and whoever works at them, the trial ends with the same weights to the last bit.
"""

import hashlib
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import golden
from carousel.cli import output
from carousel.cli.progress import Progress
from carousel.work.journal import Journal
from carousel.work.workers import Workers
from golden.experiments import Experiment, Result, Training
from golden.training import TrainingError
from golden.version import VERSION

SLICE = 2.0  # seconds of training between two looks at what came of it

WORDS = "table", "row", "longest", "paper", "reading", "other", "beyond"
"""What of an experiment says nothing of how a trial goes on."""

State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TrialOutcome(Result):
    """What came of a trial, as the journal keeps it.

    Attributes
    ----------
    settings : digest of what was trained, `digest`.
    diverged : what was said of weights or outputs that are no longer finite; "" where all are. No
        test is made then: `tested` is 0, `wrong` and the errors mean nothing.
    """

    settings: str
    diverged: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.settings, self.seed

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "TrialOutcome":
        """What `as_dict` gave; KeyError or TypeError for anything else."""
        return cls(**plain)


@dataclass(frozen=True)
class Slice:
    """Something to train on: a trial from its beginning, or from a state."""

    experiment: Experiment
    seed: int
    state: State | None = None

    @property
    def name(self) -> str:
        return f"{self.experiment.name}-{self.seed}"


@dataclass(frozen=True)
class Worked:
    """What came of a slice.

    Attributes
    ----------
    rest : the trial from where it is now.
    note : how far that is, for people.
    outcome, network : of a trial that is over, else None; no network of one that diverged.
    """

    rest: Slice
    note: str
    outcome: TrialOutcome | None = None
    network: golden.Network | None = None


def digest(experiment: Experiment) -> str:
    """Of the settings that decide how a trial goes on; when it is given up is none of them."""
    return hashlib.sha256(repr(_settings(experiment)).encode()).hexdigest()[:16]


def _settings(value: Any) -> Any:
    """What is said of an experiment or of a part of it, without what is so unless it is said."""
    if isinstance(value, tuple):
        return tuple(map(_settings, value))
    if not is_dataclass(value):
        return value
    told = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    given = {
        name: _settings(found)
        for name, (found, default) in told.items()
        if name not in WORDS and found != default
    }
    return type(value).__name__, given


def work(_: None, given: Slice) -> Worked:
    """Train for `SLICE` seconds, or to the trial's end."""
    until = time.perf_counter() + SLICE
    training = Training(given.experiment, given.seed, given.state)
    try:
        while not training.finished and time.perf_counter() < until:
            training.advance()
    except TrainingError as error:
        return Worked(given, str(error), _diverged(given, training, str(error)))
    rest = replace(given, state=training.state())
    note = f"{given.name}: {training.history.presented:,} sequences, {training}"
    if not training.finished:
        return Worked(rest, note)
    trial = training.result()
    outcome = TrialOutcome(settings=digest(given.experiment), **trial.as_dict())
    return Worked(rest, note, outcome, trial.network)


def _diverged(given: Slice, training: Training, said: str) -> TrialOutcome:
    return TrialOutcome(
        experiment=given.experiment.name,
        seed=given.seed,
        solved=False,
        presented=training.history.presented,
        sequences=dict(training.reached),
        tested=0,
        wrong=0,
        mean_abs=0.0,
        rmse=0.0,
        seconds=training.seconds,
        settings=digest(given.experiment),
        diverged=said,
    )


class TrialFolder:
    """A folder: outcomes in a journal, states of trials that can go on, networks of solved ones.

    Raises
    ------
    OutputError : the folder or its journal cannot be made, read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.trials = folder / "trials"
        output.make_parent(self.trials / "any")
        version = VERSION
        self.journal = Journal(
            folder / "trials.jsonl", version, TrialOutcome.from_dict, lambda each: each.key
        )

    def outcomes(self, experiment: Experiment) -> list[TrialOutcome]:
        """All that is known of an experiment as it is now, by seed."""
        settings = digest(experiment)
        known = (each for each in self.journal.known.values() if each.settings == settings)
        return sorted(known, key=lambda each: each.seed)

    def over(self, experiment: Experiment, seed: int) -> bool:
        """Whether a trial need not go on: solved, diverged, or given up no sooner than now."""
        known = self.journal.known.get((digest(experiment), seed))
        if known is None:
            return False
        if known.solved:
            return self.network(experiment, seed).exists()
        return bool(known.diverged) or known.presented >= experiment.longest

    def slice(self, experiment: Experiment, seed: int) -> Slice:
        """The trial from where it is; a state that cannot be read, or is of others, is none."""
        given = Slice(experiment, seed)
        try:
            with self._state(given).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                state = dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return given
        settings = state.pop("settings", None)
        return replace(given, state=state) if str(settings) == digest(experiment) else given

    def network(self, experiment: Experiment, seed: int) -> Path:
        """Where the network of a solved trial is."""
        return self.trials / f"{Slice(experiment, seed).name}.npz"

    def _state(self, given: Slice) -> Path:
        return self.trials / f"{given.name}.state.npz"

    def keep(self, worked: Worked) -> None:
        """Write the state, or what came of a trial that is over; the state of one that was given up
        stays, for it may go on one day."""
        rest, outcome = worked.rest, worked.outcome
        if rest.state is not None and not (outcome and outcome.solved):
            with output.file(self._state(rest)) as other, other.open("wb") as file:
                settings = {"settings": np.array(digest(rest.experiment))}
                np.savez(file, allow_pickle=False, **settings, **rest.state)
        if outcome is None:
            return
        if outcome.solved and worked.network is not None:
            golden.save(worked.network, self.network(rest.experiment, rest.seed))
        self.journal.add(outcome)
        if outcome.solved:
            self._state(rest).unlink(missing_ok=True)


def run(
    kept: TrialFolder, wanted: Iterable[tuple[Experiment, int]], workers: Workers, report: Progress
) -> Iterator[TrialOutcome]:
    """Train what is not over yet, and give each outcome as soon as it is kept."""
    wanted = list(wanted)
    left = [each for each in wanted if not kept.over(*each)]
    waiting = (kept.slice(*each) for each in left)
    done, total = len(wanted) - len(left), len(wanted)

    def follow(worked: Worked) -> Iterable[Slice]:
        return [worked.rest] if worked.outcome is None else islice(waiting, 1)

    report(done, total)
    with kept.journal.adding():
        for worked in workers(islice(waiting, workers.places), follow):
            kept.keep(worked)
            done += worked.outcome is not None
            report(done, total, worked.note)
            if worked.outcome is not None:
                yield worked.outcome
