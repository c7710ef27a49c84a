"""What is shown of a search while it runs, and how it ends before its end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from typing import Any

import typer

from carousel.cli.progress import Progress, terminal
from fixedpoint.search.search import Search
from fixedpoint.widths import KINDS
from golden.processes import terminable

EVERY = 10.0  # seconds between two lines, where nothing better was found meanwhile
SHOWN = 0.2  # on a terminal


class TimeUpError(Exception):
    """The time given for the search is over."""


@dataclass
class Watch:
    """Shows each evaluation of a search and ends it in time.

    Attributes
    ----------
    state : the search, with what was tried, and the best so far.
    report : shows a line.
    words : the best so far in a few words.
    end : when the search must end, by `time.monotonic`, or None.
    """

    state: Any
    report: Progress
    words: Callable[[], str]
    end: float | None = None
    _said: Any = None
    _last: float = field(default_factory=lambda: time.monotonic())

    def __call__(self, left: int) -> None:
        """After an evaluation, with how many are left to try in this round."""
        state, now = self.state, time.monotonic()
        every = SHOWN if terminal() else EVERY
        if state.best is not self._said or now - self._last > every:
            self._said, self._last = state.best, now
            self.report(note=f"{state.tried:,} tried, {left} left of this round; {self.words()}")
        if self.end is not None and now >= self.end:
            raise TimeUpError


def best(state: Search) -> str:
    """The best so far, in a few words."""
    if (found := state.best) is None or found.cost is None:
        return "none yet that meets the goal"
    bits = " ".join(map(str, astuple(found.widths)[: len(KINDS)]))
    right = "" if found.right is None else f", {found.right} right"
    return f"best: cost {found.cost.total:,.0f}, RMSE {found.rmse:.2e}{right}, bits {bits}"


@contextmanager
def interruptible(leave: Callable[[], None]) -> Iterator[None]:
    """An interruption of either kind (SIGINT, SIGTERM) ends the block, calls `leave`, and ends the
    command with the status of its kind."""
    with terminable():
        try:
            yield
            return
        except KeyboardInterrupt:
            status = 128 + signal.SIGINT
        except SystemExit as asked:
            status = int(asked.code or 0)
        leave()
    raise typer.Exit(status)
