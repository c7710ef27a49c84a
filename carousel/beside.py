"""Work in processes of their own, beside what this one does meanwhile."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from golden.errors import CarouselError


class ProcessError(CarouselError):
    """A process that ended before its work was done."""


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def spawned(
    count: int, begin: Callable[..., Any], arguments: tuple[Any, ...], lost: CarouselError
) -> Iterator[ProcessPoolExecutor]:
    """`count` fresh processes, each of which begins with a call; what is left over is dropped.

    Raises
    ------
    CarouselError : `lost`, where a process ends before its work is done.
    """
    pool = ProcessPoolExecutor(count, get_context("spawn"), begin, arguments)
    try:
        yield pool
    except BrokenProcessPool:
        raise lost from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def running(jobs: Mapping[Any, Callable[[], Any]]) -> Iterator[dict[Any, Future[Any]]]:
    """The jobs' results to be, by name, as many at a time as there are processors.

    An interruption from the terminal ends the processes too.

    Raises
    ------
    ProcessError : a process ends before its work is done.
    """
    lost = ProcessError(
        "a process beside this one has ended before its work was done, perhaps for lack of memory"
    )
    count, dies = min(len(jobs), processors()), (signal.SIGINT, signal.SIG_DFL)
    with spawned(count, signal.signal, dies, lost) as pool:
        yield {name: pool.submit(job) for name, job in jobs.items()}
