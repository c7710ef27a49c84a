"""The plain recurrent network, trained through time on a task of the paper: it fails."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from golden.batch import Batch
from golden.dense import Dense
from golden.experiments.experiment import Experiment
from golden.experiments.trial import TESTED
from golden.rnn import RecurrentNetwork, RecurrentParameters, fast_train_sequence
from golden.training import TrainingError

CHUNK = 50


@dataclass(frozen=True)
class PlainTrial:
    """What came of it.

    Attributes
    ----------
    experiment, seed : which one.
    units : logistic hidden units.
    presented : training sequences.
    tested, wrong : new sequences after training, and how many of them were answered wrongly.
    mean_abs : their mean |error|.
    """

    experiment: str
    seed: int
    units: int
    presented: int
    tested: int
    wrong: int
    mean_abs: float

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def run_plain(
    experiment: Experiment,
    seed: int,
    presented: int,
    tested: int = TESTED,
    progress: Callable[[int], None] | None = None,
) -> PlainTrial:
    """Train a plain network on `presented` sequences at the experiment's rate, then test it.

    It has as many logistic hidden units as the experiment's has cells and gates, biases everywhere,
    and weights that begin in the same interval. Of a task with a target at every step it has to
    answer the last one alone, which is the one that needs memory and asks for less.

    Parameters
    ----------
    progress : called now and then with the number of sequences presented.

    Raises
    ------
    TrainingError : weights are no longer finite; names the experiment and the seed.
    CarouselError : numba is not installed.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    task, wiring = experiment.task, experiment.wiring
    units = wiring.shape.cells + len(wiring.shape.gates) * wiring.blocks
    draw = lambda *shape: rng.uniform(-wiring.interval, wiring.interval, shape)  # noqa: E731
    readout = Dense(draw(task.outputs, units), draw(task.outputs), "sigma")
    net = RecurrentNetwork(draw(units, task.inputs + units), draw(units), readout)
    p = RecurrentParameters.of(net)
    for done in range(0, presented, CHUNK):
        batch = last_alone(task.sequences(rng, min(CHUNK, presented - done)))
        given = zip(batch.dense(task.inputs), batch.lengths, batch.target, strict=True)
        with np.errstate(all="ignore"):  # what is no longer finite is seen below
            for x, length, target in given:
                fast_train_sequence(p, x[:length], target, experiment.rate)
        if not (np.all(np.isfinite(p.hidden)) and np.all(np.isfinite(p.readout))):
            where = f"{experiment.name}: plain network, seed {seed} diverged"
            raise TrainingError(f"{where} within {done + len(batch)} sequences")
        if progress:
            progress(done)
    wrong, errors = 0, []
    for start in range(0, tested, CHUNK):
        batch = last_alone(task.sequences(rng, min(CHUNK, tested - start)))
        trace = p.network("plain").run(batch.dense(task.inputs))
        out = batch.asked(trace.out)
        wrong += int(np.count_nonzero(~task.correct(out, batch.target)))
        errors.append(np.abs(out - batch.target).mean(axis=-1))
    mean = float(np.concatenate(errors).mean())
    return PlainTrial(experiment.name, seed, units, presented, tested, wrong, mean)


def last_alone(batch: Batch) -> Batch:
    """The batch with the targets of the last steps alone."""
    if not batch.every:
        return batch
    return replace(batch, target=batch.target[np.arange(len(batch)), batch.lengths - 1])
