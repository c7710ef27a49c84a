"""The paper's experiments: every row of its tables as data, and trials of them.

    for name, experiment in EXPERIMENTS.items(): ...     # a row each, in the paper's order
    trial = run_trial(experiment("6a"), seed=1)          # trained, and tested on 2560 new sequences
    trial.solved, trial.sequences["ST3"], trial.wrong, trial.as_dict(), trial.network

A trial can be watched, interrupted after any hundred sequences, and gone on with, to the same end
to the last bit:

    def progress(training):                              # a `Training`, every hundred sequences
        training.history.presented, str(training), training.seconds
        np.savez(file, **training.state())               # when one likes; plain arrays, no pickles

    run_trial(experiment("4-1000"), 1, progress, state=np.load(file))

Only the trials need numba. `Experiment.stops` names the criteria, by which `Trial.sequences` and
`Paper.sequences` are kept; `reading`, `other` and `beyond` say what the text leaves open or does
not allow.
"""

from golden.errors import InputError
from golden.experiments.experiment import Experiment, Paper
from golden.experiments.paper import EXPERIMENTS, SLOW
from golden.experiments.trial import Result, Training, Trial, run_trial

__all__ = [
    "EXPERIMENTS",
    "SLOW",
    "Experiment",
    "Paper",
    "Result",
    "Training",
    "Trial",
    "experiment",
    "run_trial",
]


def experiment(name: str) -> Experiment:
    """Look an experiment up by name; `InputError` for a name that does not exist."""
    if name not in EXPERIMENTS:
        raise InputError(f"experiment {name!r}: allowed are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
