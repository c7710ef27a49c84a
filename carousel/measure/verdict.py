"""How good fixed point is against float, in one line, and what to do where it is not."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from carousel.cli import rounding
from carousel.cli.subject import Subject
from carousel.measure.accuracy import Measured
from fixedpoint import FormatError, QuantizedNetwork
from fixedpoint.budget.error import against
from fixedpoint.calibration import Part
from fixedpoint.clipping import GOOD
from fixedpoint.network import ROWS

FEW = 4  # bits, sign aside: of a largest code that has no more, most are lost
WIDER = 4  # bits more that are tried for states, or for weights, x and y
TRIED = 20_000  # steps that a trial runs at most


@dataclass(frozen=True)
class AccuracyVerdict:
    """Fixed point against float.

    Attributes
    ----------
    rmse, spread, decibels : of the output: its error, its standard deviation in float, and the
        ratio of their squares.
    right : sequences answered rightly in fixed point and in float, and of how many; or None.
    lost : weights, and rows of them, whose largest code has only a few bits.
    constant : the input's only value, where it has no other and formats were chosen from it.
    clipped : values of the input beyond its format, and the largest, in times the format's end.
    tried : options that make it better, and the decibels that they gave.
    """

    rmse: float
    spread: float
    decibels: float
    right: tuple[int, int, int] | None
    lost: tuple[str, ...]
    clipped: tuple[int, float]
    tried: tuple[tuple[str, float], ...]
    constant: float | None = None

    @property
    def good(self) -> bool:
        return self.decibels >= GOOD

    @property
    def sentence(self) -> str:
        """All of it in a line."""
        if not self.rmse:
            found = ["exactly as float"]
        else:
            size = f"RMSE {self.rmse:.2g} where the output spreads by {self.spread:.2g}"
            found = [f"{'good' if self.good else 'poor'}, {self.decibels:.1f} dB ({size})"]
        if self.right:
            fixed, real, count = self.right
            found.append(f"{fixed} of {count} sequences right, float {real}")
        if self.clipped[0]:
            count, most = self.clipped
            found.append(f"{count:,} inputs clipped, up to {most:.3g} times their format's end")
        if self.constant is not None:
            found.append(f"the input is {self.constant:g} throughout, which says no ranges")
        if self.lost:
            found.append(f"few bits are left to {', '.join(self.lost)}")
        if not self.good and self.rmse:
            tried = [f"{words} gives {gained:.1f} dB" for words, gained in self.tried]
            found += tried or ["try `carousel search`"]
        return f"Fixed point against float: {'; '.join(found)}."

    def plain(self) -> dict[str, Any]:
        """For programs."""
        finite = math.isfinite(self.decibels)
        return {
            "rmse": self.rmse,
            "spread": self.spread,
            "decibels": self.decibels if finite else None,
            "good": self.good,
            "right": self.right,
            "few_bits": list(self.lost),
            "inputs_clipped": self.clipped[0],
            "furthest_input": self.clipped[1],
            "tried": dict(self.tried),
            "sentence": self.sentence,
        }


def judge(subject: Subject, measured: Measured) -> AccuracyVerdict:
    """The verdict; where it is poor, with what other widths give on the first of the input."""
    error = measured.errors.signals["out"]
    poor = error.rmse > 0 and error.decibels < GOOD
    return AccuracyVerdict(
        error.rmse,
        error.spread,
        error.decibels,
        _right(subject, measured),
        tuple(_lost(subject)),
        _clipped(subject),
        tuple(_tried(subject)) if poor and subject.choice.file is None else (),
        _constant(subject) if subject.choice.file is None else None,
    )


def _constant(subject: Subject) -> float | None:
    """The value of an input that has only one, over several steps."""
    x = subject.inputs.x
    within = subject.inputs.within
    values = x.ravel() if within is None else x[within].ravel()
    only = len(values) > subject.net.inputs and np.ptp(values) == 0
    return float(values[0]) if only else None


def _right(subject: Subject, measured: Measured) -> tuple[int, int, int] | None:
    fixed, real = (
        subject.inputs.right(out) for out in (measured.fixed.value("out"), measured.floating.out)
    )
    return None if fixed is None or real is None else (fixed, real, subject.inputs.count)


def _lost(subject: Subject) -> list[str]:
    """Weights, by layer and source, of whose largest code only a few bits are left; and rows to
    which scales of their own leave as few."""
    found = _rows(subject)
    for k, (real, layer) in enumerate(zip(subject.net.layers, subject.qnet.layers, strict=True)):
        rows = np.concatenate([layer.rows(kind).codes for kind in layer.shape.kinds])
        floats = np.concatenate([real.weights[kind] for kind in layer.shape.kinds])
        for source, cut in layer.shape.columns.items():
            width = layer.formats.weights[source].width
            bits = int(np.abs(rows[:, cut]).max(initial=0)).bit_length()
            if floats[:, cut].any() and bits <= FEW < width - 2:
                found.append(f"layer {k}'s weights of {source} ({bits} of {width})")
    return found


def _rows(subject: Subject) -> list[str]:
    """Rows that are coarser than others, and of whose largest code only a few bits are left for
    it."""
    found, net = [], subject.net
    for (k, kind), rows in subject.qnet.rows.items():
        if k < len(net.layers):
            layer = net.layers[k]
            real, name = layer.projection if kind == "y" else layer.weights[kind], f"layer {k}'s"
        else:
            real, name = net.dense[k - len(net.layers)].weights, f"stage {k}'s"
        width = min(form.width for form, _ in rows.formats.values())
        few = FEW if width - 2 > FEW else 0
        there, by = np.any(real, axis=1), np.array(rows.coarser or [0] * rows.outputs)
        largest = np.abs(rows.codes).max(axis=1, initial=0)
        gone = np.flatnonzero(there & (by > 0) & (largest < 1 << few))
        if len(gone):
            what = f"row {gone[0]}" if len(gone) == 1 else f"{len(gone)} of {len(there)} rows"
            bits = int(largest[gone].max()).bit_length()
            found.append(f"{name} {what} of {kind} ({bits} bits, coarser by {by[gone].max()})")
    return found


def _clipped(subject: Subject) -> tuple[int, float]:
    """How many values of the input lie beyond its format, and how far the furthest."""
    formats, x = subject.qnet.formats, subject.inputs.x.reshape(-1, subject.net.inputs)
    lost, most = 0, 0.0
    for first in range(0, len(x), ROWS):
        some = x[first : first + ROWS]
        if more := subject.qnet.encode(some)[1]:
            lost += more
            most = max(
                most, float(np.abs(np.ldexp(some, formats.scales + formats.input.frac)).max())
            )
    return lost, most / formats.input.magnitude


def _tried(subject: Subject) -> list[tuple[str, float]]:
    """Wider states, wider operands, and weights rounded by data, each with its decibels; only what
    gains at least 1 dB."""
    inputs, choice = subject.inputs, subject.choice
    steps = min(inputs.length, *inputs.lengths, max(1, TRIED // inputs.count))
    x = inputs.x[:, :steps]
    real = subject.net.run(x).out
    state = max((layer.formats.s.width for layer in subject.qnet.layers), default=0) + WIDER
    trials = {
        f"--state-bits {state}": replace(choice, state_bits=state),
        f"--bits {choice.bits + WIDER}": replace(choice, bits=choice.bits + WIDER),
    }
    if not choice.by_data and rounding.possible(subject.net):
        trials["`carousel quantize --round data`"] = replace(choice, by_data=True)
    some = [Part(x, subject.state)]  # from which other ranges may follow than from all
    alike = choice.quantized(subject.net, some)
    now = max(_decibels(subject, qnet, x, real) for qnet in (subject.qnet, alike))
    found = []
    for words, other in trials.items():
        try:
            qnet = other.quantized(subject.net, some)
        except FormatError:
            continue
        gained = _decibels(subject, qnet, x, real)
        if gained > now + 1.0:
            found.append((words, gained))
    return sorted(found, key=lambda each: -each[1])


def _decibels(subject: Subject, qnet: QuantizedNetwork, x: np.ndarray, real: np.ndarray) -> float:
    """Of an integer network on x, from its own start."""
    return against(real, qnet.run(qnet.encode(x)[0], signals=False).value("out"))[2]
