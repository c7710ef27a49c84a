"""Experiments 3a, 3b, 3c: which of two classes the first elements of a noisy signal told."""

import math
from dataclasses import dataclass, replace

import numpy as np

from golden.batch import Batch, Whole
from golden.errors import InputError
from golden.tasks.task import Generator, Task

NOISE = math.sqrt(0.2)  # standard deviation of the elements that say nothing; the paper's variance
TARGET_NOISE = math.sqrt(0.1)


@dataclass(frozen=True)
class TwoSequence(Task):
    """The first N elements are +1 (class 1) or -1 (class 2), all others Gaussian noise around 0.

    Choices: both classes are equally likely.

    Attributes
    ----------
    informative : N.
    noise : standard deviation of the noise on the informative elements.
    targets : of class 1 and of class 2.
    target_noise : standard deviation of the noise on the target.
    """

    informative: int
    noise: float
    targets: tuple[float, float]
    target_noise: float

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        count, told = len(lengths), self.informative
        second = rng.integers(0, 2, count)
        value = rng.normal(0.0, NOISE, (count, int(lengths.max()), 1))
        value[:, :told, 0] = (1.0 - 2.0 * second)[:, None]
        if self.noise:
            value[:, :told] += rng.normal(0.0, self.noise, (count, told, 1))
        target = np.array(self.targets)[second][:, None]
        if self.target_noise:
            target += rng.normal(0.0, self.target_noise, target.shape)
        return Batch(lengths, np.zeros(value.shape, np.int64), value, target)

    def split(self, rng: Generator) -> tuple[Task, Task]:
        """Tested on targets without noise."""
        return self, replace(self, target_noise=0.0)


def two_sequence(variant: str, steps: int, informative: int) -> TwoSequence:
    """Experiment 3a, 3b or 3c with the paper's T = `steps` and N = `informative`.

    A length is from T to T + T/10. In 3b the informative elements are noisy too; in 3c it is the
    target, which is 0.2 for class 1 and 0.8 for class 2, the other way round than in 3a and 3b.

    Raises
    ------
    InputError : another variant, N below 1, T not above N.
    """
    if variant not in ("3a", "3b", "3c"):
        raise InputError(f"two sequences: variant {variant!r}: allowed are 3a, 3b, 3c")
    if not 1 <= informative < steps:
        raise InputError(
            f"two sequences: {informative} of {steps} elements are informative, must be 1 to "
            f"{steps - 1}"
        )
    noisy_target = variant == "3c"
    return TwoSequence(
        f"two sequences {variant}",
        inputs=1,
        outputs=1,
        lengths=(steps, steps + steps // 10),
        shortest=informative + 1,
        tolerance=0.1 if noisy_target else 0.2,
        informative=informative,
        noise=NOISE if variant == "3b" else 0.0,
        targets=(0.2, 0.8) if noisy_target else (1.0, 0.0),
        target_noise=TARGET_NOISE if noisy_target else 0.0,
    )
