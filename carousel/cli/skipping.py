"""What a command was told of columns that its core skips."""

from dataclasses import dataclass

from fixedpoint import QuantizedNetwork
from fixedpoint.thresholds import with_thresholds
from golden import InputError
from rtl import CoreOptions
from rtl.skips import check_skip


@dataclass(frozen=True)
class Skipping:
    """The options --skip and --threshold as they were given."""

    skip: str | None = None
    threshold: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The same as words of a command."""
        skip = ("--skip", self.skip) if self.skip else ()
        return (*skip, "--threshold", self.threshold) if self.threshold else skip

    def applied(self, qnet: QuantizedNetwork) -> QuantizedNetwork:
        """The network with the thresholds.

        Raises
        ------
        CarouselError : what such a core cannot have; a threshold without --skip unchanged, out of
            range, or no whole number.
        """
        if self.threshold is not None:
            if self.skip != "unchanged":
                raise InputError(f"--threshold {self.threshold}: needs --skip unchanged")
            qnet = with_thresholds(qnet, _numbers(self.threshold))
        check_skip(qnet, CoreOptions(skip=self.skip))
        return qnet


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        what = "whole numbers, one or several with commas between"
        raise InputError(f"--threshold {text!r}: must be {what}") from None
