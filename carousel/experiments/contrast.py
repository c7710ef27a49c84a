"""Networks that forget and that do not: their error flow, and tasks that one cannot learn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from carousel.cli.progress import Progress
from carousel.experiments.trials import TrialOutcome
from golden.dense import Dense
from golden.experiments import experiment
from golden.experiments.plain import PlainTrial, run_plain
from golden.flow import state_flow
from golden.rnn import RecurrentNetwork, error_flow, flow_bound

LAG = 1000
SHOWN = (1, 10, 50, 100, 500, 1000)  # lags of the table
DRAWN = 40  # lags of the figure
UNITS = 4
NETS = (("sigma", 0.9), ("sigma", 4.0), ("sigma", 8.0), ("tanh", 0.2), ("tanh", 0.5))
STEEPEST = {"sigma": 0.25, "tanh": 1.0}
NAMES = {"sigma": "logistic", "tanh": "tanh"}
CELL = "memory cells"
TASKS = "2a", "6a"  # that a plain network is trained on


@dataclass(frozen=True)
class Curve:
    """Error flow against lag.

    Attributes
    ----------
    label : of which network.
    flow : the largest |d error(T-1-q) / d error(T-1)| between any two units, by lag q.
    bound : the paper's n tau^q, where tau is below 1 and it says something; else None.
    """

    label: str
    flow: tuple[float, ...]
    bound: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Contrast:
    """Both contrasts.

    Attributes
    ----------
    lags : the q of every curve.
    curves : of memory cells first.
    plain : trials of plain networks.
    """

    lags: tuple[int, ...]
    curves: tuple[Curve, ...]
    plain: tuple[PlainTrial, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Contrast":
        """What `as_dict` gave, JSON's lists included."""
        curves = (
            Curve(each["label"], tuple(each["flow"]), each["bound"] and tuple(each["bound"]))
            for each in plain["curves"]
        )
        trials = (PlainTrial(**each) for each in plain["plain"])
        return cls(tuple(plain["lags"]), tuple(curves), tuple(trials))


def measure(
    solved: Mapping[str, Sequence[TrialOutcome]],
    seed: int,
    tested: int,
    quick: bool,
    report: Progress,
) -> Contrast:
    """The error flow of all networks; plain ones trained on as many sequences as cells needed.

    Parameters
    ----------
    solved : trials of memory cells that solved their task, by experiment.
    tested : sequences that plain networks are tested on.
    quick : a tenth of the lags and of the training sequences.
    """
    less = 10 if quick else 1
    lags = tuple(sorted({*SHOWN, *np.geomspace(1, LAG, DRAWN).round().astype(int).tolist()}))
    lags = tuple(lag for lag in lags if lag <= LAG // less)
    rng = np.random.default_rng(seed)
    curves = (_cells(rng, lags), *(_plain(rng, *net, lags) for net in NETS))
    trials = []
    for name in TASKS:
        count = sequences(name, solved.get(name, ())) // less
        tell = partial(report, total=count, note=f"plain network, {name}")
        trials.append(run_plain(experiment(name), seed, count, tested, tell))
    return Contrast(lags, curves, tuple(trials))


def sequences(name: str, solved: Sequence[TrialOutcome]) -> int:
    """As many as memory cells needed: the mean in the paper, or the most here if that is more."""
    return max(*experiment(name).paper.sequences.values(), *(each.presented for each in solved), 0)


def _cells(rng: np.random.Generator, lags: Sequence[int]) -> Curve:
    """The 1997 cells of experiment 6a before training, on its sequences: the flow furthest from 1,
    by lag."""
    given = experiment("6a")
    net = given.wiring.draw(rng).network("start")
    x, _ = given.task.batch(rng, 1, max(max(lags) + 1, given.task.shortest))
    flow = state_flow(net, x[0], max(lags))
    furthest = flow[np.arange(len(flow)), np.abs(flow - 1.0).argmax(axis=1)]
    return Curve(CELL, tuple(furthest[list(lags)].tolist()))


def _plain(rng: np.random.Generator, function: str, largest: float, lags: Sequence[int]) -> Curve:
    """A plain network of `UNITS` units, all weights up to `largest`, on a random input."""
    draw = lambda *shape: rng.uniform(-largest, largest, shape)  # noqa: E731
    readout = Dense(np.ones((1, UNITS)), np.zeros(1), "sigma")
    net = RecurrentNetwork(draw(UNITS, 1 + UNITS), np.zeros(UNITS), readout, function)
    y = net.run(rng.uniform(-1.0, 1.0, (max(lags) + 1, 1))).get("y")
    flow = np.abs(error_flow(net, y, max(lags))).max(axis=(1, 2))
    label = f"{NAMES[function]}, weights up to {largest:g}"
    biggest, steepest = float(np.abs(net.weights[:, 1:]).max()), STEEPEST[function]
    bound = None
    if UNITS * biggest * steepest < 1.0:
        bound = tuple(flow_bound(UNITS, biggest, lag, steepest) for lag in lags)
    return Curve(label, tuple(flow[list(lags)].tolist()), bound)
