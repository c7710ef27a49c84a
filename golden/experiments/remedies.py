"""Rows that go beyond the paper, for tasks that its own settings do not solve as reported here.

Each changes what is named and nothing else, and is compared with the paper's own row.
"""

from dataclasses import replace

from golden.experiments.experiment import Experiment
from golden.tasks import Recall

ENTROPY = (
    "the error is the cross-entropy, so that output units that are wrong at their end still learn"
)
PRESSED = 0.05  # how far a weight moves at most under a closing pressure, at a time
CALM = (
    f"{ENTROPY}, at a quarter of the learning rate, because its slope is four times the other's or "
    "more"
)


def entropy(row: Experiment) -> Experiment:
    """The row with the cross-entropy as its error."""
    return _changed(row, ENTROPY, entropy=True)


def calm_entropy(row: Experiment) -> Experiment:
    """As `entropy`, at a quarter of the rate.

    The slope of the square error, (t - y) y (1 - y), is a quarter of the cross-entropy's, t - y, at
    most.
    """
    return _changed(row, CALM, entropy=True, rate=row.rate / 4)


def unhurried(row: Experiment, input_gate: float) -> Experiment:
    """As `calm_entropy`, with input gates that begin half shut, and outputs with a bias: for the
    rows of experiment 1."""
    gates = (input_gate,) * row.wiring.blocks
    biased = (*row.wiring.biased, "outputs")
    return _changed(
        row,
        f"input gates begin with the bias {input_gate:g}, so that states are not at their ends "
        "before there is something to remember; outputs have a bias, so that no cell must serve as "
        f"one; {CALM}",
        wiring=replace(row.wiring, biased=biased, input_gates=gates),
        entropy=True,
        rate=row.rate / 4,
    )


def slow(row: Experiment, bias: float) -> Experiment:
    """The row with an input gate that begins nearly shut: a `bias` that is fixed.

    For inputs of which one is on that is where the gate's weights begin, and no further weight.
    """
    return _changed(
        row,
        f"the input gate begins nearly shut, its weights at {bias:g} and not at 0, against the "
        f"drift of the state over the lag; {ENTROPY}",
        wiring=replace(row.wiring, input_gates=(bias,)),
        entropy=True,
    )


def last_alone(row: Experiment) -> Experiment:
    """The row of experiment 2b with the last symbol alone asked."""
    assert isinstance(row.task, Recall)
    return _changed(
        row,
        "the last symbol alone is asked, because no input tells that it comes, and a state that "
        f"can only grow cannot have both answers stand out from the symbols between; {ENTROPY}",
        task=replace(row.task, at_end=True),
        entropy=True,
    )


def shut(row: Experiment, input_gate: float, output_gate: float, rate: float) -> Experiment:
    """The row with all gates nearly shut when learning begins: biases that are fixed.

    The signal that is to be stored is there at one step, but weights from units that are always on
    hear of every step's error, whose sign is that of a random class: their random walk is a drift
    of the states that grows with the lag. Shut input gates make it small, shut output gates make
    the units themselves silent. It is the paper's own remedy of drift (experiments 4 and 5) and of
    abuse (experiments 1 and 3), where Table 10 gives 2c none.
    """
    blocks = row.wiring.blocks
    gates = {"input_gates": (input_gate,) * blocks, "output_gates": (output_gate,) * blocks}
    return _changed(
        row,
        f"input gates have the bias {input_gate:g} and output gates {output_gate:g}, both fixed, "
        f"against the drift of the states over the lag; learning rate {rate:g}",
        wiring=replace(row.wiring, **gates),
        rate=rate,
    )


def held(row: Experiment) -> Experiment:
    """The row with gates that come to be exactly shut at what may come between."""
    if row.task.mark is None:
        told = "when the criteria are met a closing pressure begins, and they are met again"
    else:
        told = "gates begin shut where there is no mark, a closing pressure keeps them so"
    return replace(
        row,
        name=f"{row.name.removesuffix('-remedy')}-held",
        beyond=f"{told}, with input gates exactly shut at all that only comes between; "
        + (row.beyond or f"all else as in {row.name}"),
        closing=PRESSED / row.rate,
    )


def _changed(row: Experiment, told: str, **changes) -> Experiment:
    return replace(
        row, name=f"{row.name}-remedy", beyond=f"{told}; all else as in {row.name}", **changes
    )
