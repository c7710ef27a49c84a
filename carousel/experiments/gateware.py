"""What was learnt, in float, in integers and in gateware: how many sequences go wrong in each."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

import sim
from fixedpoint import QuantizedNetwork, QuantizedTrace, quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.formats import FormatError
from fixedpoint.widths import NARROWEST, WIDEST, Widths
from golden import Network
from golden.batch import Batch
from golden.experiments import Experiment
from golden.squash import Array
from golden.tasks import Task
from rtl import CoreOptions, allowed_lanes, plan

LANES = 16  # of the gateware, or fewer where the network cannot use so many
USUAL = Widths.uniform(16)
PIECE = 1 << 24  # input elements that are run at a time


@dataclass(frozen=True)
class Sizes:
    """How much is tested.

    Attributes
    ----------
    tested : sequences in float and in fixed point.
    sample : how many of them in gateware.
    """

    tested: int = 2560
    sample: int = 8


def _label(bits: int, state_bits: int) -> str:
    """The bits of every code, and those of states where they differ, for people."""
    return f"{bits}" if state_bits == bits else f"{bits}, states {state_bits}"


@dataclass(frozen=True)
class Fixed:
    """A network in formats of as many bits each, but for states.

    Attributes
    ----------
    bits, state_bits : of every code but states, and of these.
    wrong, sample_wrong : sequences answered wrongly of all and of the sample, in fixed point.
    gateware_wrong : of the sample, in gateware.
    compared, mismatches : codes of the gateware, and those that are not the integer model's.
    exact : whether these, saturation counters and streams were all as the integer model says.
    cycles : measured, a step.
    """

    bits: int
    state_bits: int
    wrong: int
    sample_wrong: int
    gateware_wrong: int
    compared: int
    mismatches: int
    exact: bool
    cycles: float

    @property
    def label(self) -> str:
        """The bits for people."""
        return _label(self.bits, self.state_bits)


@dataclass(frozen=True)
class Carried:
    """A learnt network, from float to gateware.

    Attributes
    ----------
    experiment, seed, settings : the trial that it came from.
    sizes : how much was tested.
    steps : of the longest sequence tested.
    wrong, sample_wrong : sequences answered wrongly in float, of all and of the sample.
    usual : at 16 bits.
    least : at the fewest bits that answer as many rightly as float does, see `Integers.least`; None
        where none do.
    lanes : of the gateware.
    sparse : whether the input is one symbol of several, which comes as index and value.
    dense_cycles : predicted, a step, were all elements of the input to come.
    """

    experiment: str
    seed: int
    settings: str
    sizes: Sizes
    steps: int
    wrong: int
    sample_wrong: int
    usual: Fixed
    least: Fixed | None
    lanes: int
    sparse: bool
    dense_cycles: int

    @property
    def key(self) -> tuple[str, int, Sizes]:
        return self.settings, self.seed, self.sizes

    @property
    def exact(self) -> bool:
        """Whether the gateware did what the integer model says."""
        return self.usual.exact and (self.least is None or self.least.exact)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Carried":
        """What `as_dict` gave; KeyError or TypeError for anything else."""
        least = plain["least"] and Fixed(**plain["least"])
        parts = {"sizes": Sizes(**plain["sizes"]), "usual": Fixed(**plain["usual"]), "least": least}
        return cls(**{**plain, **parts})


@dataclass(frozen=True)
class ExamSequences:
    """Sequences with their answers, by the piece.

    Attributes
    ----------
    task : on which is tested.
    pieces : of up to `PIECE` input elements each; the first of them holds the sample.
    """

    task: Task
    pieces: tuple[Batch, ...]

    @classmethod
    def draw(cls, experiment: Experiment, seed: int, sizes: Sizes) -> "ExamSequences":
        """New sequences of the experiment's task, not those of any trial."""
        rng = np.random.default_rng(np.random.SeedSequence((seed, 2)))
        _, task = experiment.task.split(rng)
        batch = task.sequences(rng, sizes.tested)
        each = max(sizes.sample, PIECE // (batch.index.shape[1] * task.inputs))
        starts = range(0, sizes.tested, each)
        return cls(task, tuple(batch[start : start + each] for start in starts))

    def x(self, batch: Batch) -> Array:
        return batch.dense(self.task.inputs)

    def wrong(self, batch: Batch, out: Array) -> int:
        """How many sequences of a batch the outputs of every step, (N, T, K), answer wrongly."""
        return int(np.count_nonzero(~self.task.right(batch, batch.asked(out))))

    def wrong_by(self, answer: Callable[[Array], Array]) -> int:
        """How many of all sequences are answered wrongly, given x (N, T, D) to outputs."""
        return sum(self.wrong(piece, answer(self.x(piece))) for piece in self.pieces)


@dataclass
class Integers:
    """A float network in integers, tested once in each choice of widths that is asked for.

    Attributes
    ----------
    net, exam : what is tested, on what.
    seen : the ranges from which fraction bits follow.
    report : told what is done now.
    """

    net: Network
    exam: ExamSequences
    seen: Seen
    report: Callable[[str], None]
    known: dict[Widths, int | None] = field(default_factory=dict)

    def at(self, widths: Widths) -> QuantizedNetwork:
        """`FormatError` where no such formats work."""
        return quantize(self.net, formats_of(self.net, widths, self.seen))

    def keeps(self, widths: Widths, allowed: int) -> bool:
        """Whether no more than `allowed` sequences are answered wrongly."""
        wrong = self.wrong(widths)
        return wrong is not None and wrong <= allowed

    def wrong(self, widths: Widths) -> int | None:
        """How many sequences are answered wrongly; None where no such formats work."""
        if widths not in self.known:
            self.report(f"fixed point, bits: {_label(widths.weights, widths.s)}")
            try:
                self.known[widths] = self.exam.wrong_by(answers(self.at(widths)))
            except FormatError:
                self.known[widths] = None
        return self.known[widths]

    def least(self, allowed: int) -> Widths | None:
        """The fewest bits down to which, from 16 on, all widths keep the answers. Where 16 do not,
        more of them for the states alone, which cost memory and no multiplier, then for all codes:
        the first that keep the answers; or None."""
        bits = USUAL.weights
        if not self.keeps(USUAL, allowed):
            more = range(bits + 1, WIDEST + 1)
            wider = [replace(USUAL, s=each) for each in more]
            wider += map(Widths.uniform, more)
            return next((each for each in wider if self.keeps(each, allowed)), None)
        while bits > NARROWEST and self.keeps(Widths.uniform(bits - 1), allowed):
            bits -= 1
        return Widths.uniform(bits)


def answers(qnet: QuantizedNetwork) -> Callable[[Array], Array]:
    """From x to real outputs."""
    return lambda x: qnet.run(qnet.encode(x)[0], signals=False).value("out")


def carry(
    experiment: Experiment,
    net: Network,
    seed: int,
    settings: str,
    sizes: Sizes,
    report: Callable[[str], None],
) -> Carried:
    """Test a learnt network in float, in fixed point of several widths and in gateware.

    Parameters
    ----------
    seed, settings : of the trial.
    report : told what is done now.
    """
    exam = ExamSequences.draw(experiment, seed, sizes)
    sample = exam.pieces[0][: sizes.sample]
    report("float")
    wrong = exam.wrong_by(lambda x: net.run(x).out)
    integers = Integers(net, exam, Seen.measure(net, exam.x(exam.pieces[0])), report)
    least, usual = integers.least(wrong), integers.at(USUAL)
    sparse = experiment.task.inputs > 1 and sample.index.shape[2] == 1
    lanes = max(each for each in allowed_lanes(usual) if each <= LANES)
    played = {}
    for widths in {USUAL, least or USUAL}:
        report(f"gateware, bits: {_label(widths.weights, widths.s)}")
        played[widths] = _play(integers, widths, sample, lanes, 1 if sparse else None)
    return Carried(
        experiment=experiment.name,
        seed=seed,
        settings=settings,
        sizes=sizes,
        steps=sample.index.shape[1],
        wrong=wrong,
        sample_wrong=exam.wrong(sample, net.run(exam.x(sample)).out),
        usual=played[USUAL],
        least=None if least is None else played[least],
        lanes=lanes,
        sparse=sparse,
        dense_cycles=plan(usual, CoreOptions(lanes)).cycles_per_step,
    )


def _play(
    integers: Integers, widths: Widths, sample: Batch, lanes: int, nonzeros: int | None
) -> Fixed:
    """The sample in gateware, every code compared."""
    exam, qnet = integers.exam, integers.at(widths)
    codes, _ = qnet.encode(exam.x(sample))
    trace = sim.simulate(qnet, codes, lanes=lanes, nonzeros=nonzeros)
    verdict = sim.check(qnet, codes, trace)
    hardware = QuantizedTrace(trace.layers, trace.out, trace.state, qnet.formats, {}).value("out")
    return Fixed(
        bits=widths.weights,
        state_bits=widths.s,
        wrong=integers.wrong(widths) or 0,
        sample_wrong=exam.wrong(sample, qnet.run(codes).value("out")),
        gateware_wrong=exam.wrong(sample, hardware),
        compared=verdict.codes,
        mismatches=verdict.wrong,
        exact=verdict.ok,
        cycles=trace.cycles_per_step,
    )
