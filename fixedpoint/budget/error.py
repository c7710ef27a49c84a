"""The error report: how far an integer run is from the float run of the same sequences.

e = value of the code - float value,    SQNR = 10 log10(sum of float^2 / sum of e^2)
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedTrace
from golden.errors import InputError
from golden.trace import Trace


@dataclass(frozen=True)
class BlockError:
    """The error over a block of steps: the steps from `step` on, how many, RMSE and max |e|."""

    step: int
    steps: int
    rmse: float
    max_abs: float


@dataclass(frozen=True)
class SignalError:
    """The error of one signal over all sequences, steps and units.

    Attributes
    ----------
    lsb : of the signal's format; divide by it to have an error in LSB.
    max_abs, max_lsb : max |e|, as a number and in LSB.
    mean : of e, the offset.
    rmse, rmse_lsb : root mean square of e, as a number and in LSB.
    sqnr_db : infinite where every value is exact, minus infinite where the float signal is 0.
    worst : sequence, step and unit of max |e| (sequence 0 where there is one only).
    worst_real, worst_fixed : the float value there, and that of the code.
    saturations : how many values or net inputs saturated on the way to this signal.
    over_time : the error block by block.
    count : values that were compared.
    power, level, spread : mean square, mean and standard deviation of the float signal.
    """

    lsb: float
    max_abs: float
    max_lsb: float
    mean: float
    rmse: float
    rmse_lsb: float
    sqnr_db: float
    worst: tuple[int, int, int]
    worst_real: float
    worst_fixed: float
    saturations: int
    over_time: tuple[BlockError, ...]
    count: int
    power: float
    level: float
    spread: float

    @property
    def decibels(self) -> float:
        """The error against the spread; of a constant signal against its size."""
        return sqnr(self.spread**2 or self.power, self.rmse**2)


@dataclass(frozen=True)
class ErrorReport:
    """The error of every signal, by its full name: `0.i` ... `0.y`, and so on, then `out`."""

    signals: dict[str, SignalError]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; an infinite SQNR becomes None."""
        plain = {name: asdict(error) for name, error in self.signals.items()}
        for error in plain.values():
            if not math.isfinite(error["sqnr_db"]):
                error["sqnr_db"] = None
        return plain


def compare(
    real: Trace, fixed: QuantizedTrace, block: int = 1, within: np.ndarray | None = None
) -> ErrorReport:
    """Compare an integer run with the float run of the same sequences.

    Steps are those of the sequence, also for an output that only the last step has.

    Parameters
    ----------
    block : steps that one entry of `over_time` covers; the last may cover fewer.
    within : (N, T) where a step counts, None for all; outputs of the last step alone always do.

    Raises
    ------
    InputError : traces of other signals or shapes; a block below 1.
    """
    if block < 1:
        raise InputError(f"block of {block} steps: must be at least 1")
    wanted, codes = dict(real.signals()), dict(fixed.signals())
    if wanted.keys() != codes.keys():
        raise InputError(
            f"traces: signals {', '.join(wanted)} and {', '.join(codes)} must be the same"
        )
    length = next(iter(wanted.values())).shape[-2]
    errors = {}
    for name, want in wanted.items():
        shape = codes[name].shape
        if want.shape != shape:
            raise InputError(f"signal {name}: shapes {want.shape} and {shape} must be the same")
        layer, _, short = name.rpartition(".")
        form = fixed.format(short, int(layer or 0))
        have, lsb = form.decode(codes[name]), form.lsb
        lost, first = fixed.saturations.get(name, 0), length - want.shape[-2]
        counts = within if not first else None
        errors[name] = _signal(want, have, lsb, lost, first, block, counts)
    return ErrorReport(errors)


def _signal(
    want: np.ndarray,
    have: np.ndarray,
    lsb: float,
    lost: int,
    first: int,
    block: int,
    within: np.ndarray | None,
) -> SignalError:
    """The error of one signal; want, have: (T, width) or (N, T, width) from step `first` on."""
    if want.ndim == 2:
        want, have = want[None], have[None]
    error, real = have - want, want
    if within is None:
        counted = error
    else:
        error = np.where(within[..., None], error, 0.0)
        counted, real = error[within], want[within]
    noise, power, at = _square(counted), _square(real), worst(error)
    return SignalError(
        lsb=lsb,
        max_abs=float(abs(error[at])),
        max_lsb=float(abs(error[at]) / lsb),
        mean=float(counted.mean()),
        rmse=math.sqrt(noise),
        rmse_lsb=math.sqrt(noise) / lsb,
        sqnr_db=sqnr(power, noise),
        worst=(at[0], at[1] + first, at[2]),
        worst_real=float(want[at]),
        worst_fixed=float(have[at]),
        saturations=lost,
        over_time=over_time(error, first, block, within),
        count=counted.size,
        power=power,
        level=float(real.mean()),
        spread=float(real.std()),
    )


def joined(one: ErrorReport, other: ErrorReport, sequences: int = 0, steps: int = 0) -> ErrorReport:
    """The report of a run and of a piece that begins with that sequence or step: of as many steps,
    or of as many sequences."""
    pairs = ((name, error, other.signals[name]) for name, error in one.signals.items())
    return ErrorReport({name: _joined(a, b, sequences, steps) for name, a, b in pairs})


def _joined(one: SignalError, other: SignalError, sequences: int, steps: int) -> SignalError:
    """The same of one signal."""
    count = one.count + other.count

    def mean(a: float, b: float) -> float:
        return (one.count * a + other.count * b) / count

    at = (other.worst[0] + sequences, other.worst[1] + steps, other.worst[2])
    if sequences:
        blocks = [
            replace(
                a, rmse=math.sqrt(mean(a.rmse**2, b.rmse**2)), max_abs=max(a.max_abs, b.max_abs)
            )
            for a, b in zip(one.over_time, other.over_time, strict=True)
        ]
    else:
        behind = (replace(block, step=block.step + steps) for block in other.over_time)
        blocks = [*one.over_time, *behind]
    noise, power = mean(one.rmse**2, other.rmse**2), mean(one.power, other.power)
    level = mean(one.level, other.level)
    square = mean(
        one.spread**2 + (one.level - level) ** 2, other.spread**2 + (other.level - level) ** 2
    )
    return replace(
        one if one.max_abs >= other.max_abs else replace(other, worst=at),
        mean=mean(one.mean, other.mean),
        rmse=math.sqrt(noise),
        rmse_lsb=math.sqrt(noise) / one.lsb,
        sqnr_db=sqnr(power, noise),
        saturations=one.saturations + other.saturations,
        over_time=tuple(blocks),
        count=count,
        power=power,
        level=level,
        spread=math.sqrt(square),
    )


def _square(values: np.ndarray) -> float:
    """The mean square."""
    return float(np.mean(np.square(values)))


def worst(error: np.ndarray) -> tuple[int, int, int]:
    """Where |e| (N, T, width) is largest."""
    sequence, step, unit = (int(k) for k in np.unravel_index(np.argmax(np.abs(error)), error.shape))
    return sequence, step, unit


def over_time(
    error: np.ndarray, first: int, block: int, within: np.ndarray | None = None
) -> tuple[BlockError, ...]:
    """e (N, T, width), whose steps count from `first`, block by block; the last may be short."""
    errors = []
    for step in range(0, error.shape[1], block):
        part = error[:, step : step + block]
        counted = part if within is None else part[within[:, step : step + block]]
        rmse, most = float(np.sqrt(np.mean(counted**2))), float(np.abs(part).max())
        errors.append(BlockError(first + step, part.shape[1], rmse, most))
    return tuple(errors)


def merged(blocks: Sequence[BlockError], count: int) -> tuple[BlockError, ...]:
    """Neighbouring blocks as at most `count` larger ones, each of as many, the last of fewer."""
    size = -(-len(blocks) // count)
    found = []
    for part in (blocks[k : k + size] for k in range(0, len(blocks), size)):
        steps = sum(block.steps for block in part)
        square = sum(block.steps * block.rmse**2 for block in part) / steps
        most = max(block.max_abs for block in part)
        found.append(BlockError(part[0].step, steps, math.sqrt(square), most))
    return tuple(found)


def sqnr(power: float, noise: float) -> float:
    """Signal to noise ratio in dB; infinite without noise, minus infinite without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(power / noise) if power > 0 else -math.inf


def against(real: np.ndarray, fixed: np.ndarray) -> tuple[float, float, float]:
    """RMSE, spread and their ratio in decibels; a constant output is compared with its size."""
    noise, spread = float(np.mean((fixed - real) ** 2)), float(real.std())
    power = spread**2 or float(np.mean(real**2))
    return math.sqrt(noise), spread, sqnr(power, noise)
