"""What a search may take, and how it is run: shown while it goes on, ended in time, with a journal
of all evaluations."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from carousel.cli import progress
from carousel.search import watch
from carousel.work import workers
from carousel.work.journal import Journal
from fixedpoint.search.search import SearchError


@dataclass(frozen=True)
class Effort:
    """What a search may take: a cluster, or processes here; and how long."""

    scheduler: str | None
    jobs: int
    minutes: float | None


@dataclass
class Tried:
    """Evaluates what the journal does not know yet."""

    journal: Journal[Any, Any]
    work: workers.Workers | None = None

    def __call__(self, candidates: Sequence[Any]) -> Iterator[Any]:
        known = self.journal.known
        missing = [each for each in candidates if each not in known]
        assert self.work is not None, "evaluated where nothing works"
        yield from (known[each] for each in candidates if each in known)
        for found in self.work(missing):
            self.journal.add(found)
            yield found


class Looked(Protocol):
    """A search: what it has found so far, and what is called after each evaluation."""

    best: Any
    watch: Callable[[int], None]

    @property
    def tried(self) -> int: ...

    def run(self, confirm: Callable[[Any], bool]) -> Any: ...


def run(
    state: Looked,
    tried: Tried,
    work: tuple[workers.Function, Any],
    confirm: Callable[[Any], bool],
    effort: Effort,
    best: Callable[[], str],
) -> tuple[Any, float | None]:
    """What a search finds, here or on a cluster; after how many minutes it was ended, or None.

    Parameters
    ----------
    work : the function that evaluates, and what it is given with each candidate.
    confirm : whether what was found meets the goal on data held out.
    best : the best so far in a few words.

    Raises
    ------
    SearchError : nothing meets the goal, or nothing has met it in time.
    CarouselError : see `workers` and `Journal`.
    """
    if effort.scheduler is None:
        where = workers.local(*work, effort.jobs)
    else:
        where = workers.cluster(*work, effort.scheduler)
    end = effort.minutes and time.monotonic() + 60 * effort.minutes
    try:
        with progress.lines("Search") as report, where as tried.work, tried.journal.adding():
            state.watch = watch.Watch(state, report, best, end)
            return state.run(confirm), None
    except watch.TimeUpError:
        if state.best is None:
            raise SearchError(
                f"--time {effort.minutes:g}: nothing of {state.tried:,} tried met the goal in time"
            ) from None
        confirm(state.best)
        return state.best, effort.minutes
