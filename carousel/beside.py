"""Jobs in processes of their own, beside what this one does meanwhile."""

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


@contextmanager
def running(jobs: Mapping[Any, Callable[[], Any]]) -> Iterator[dict[Any, Future[Any]]]:
    """The jobs' results to be, by name, as many at a time as there are processors.

    An interruption from the terminal ends the processes too.

    Raises
    ------
    ProcessError : a process ends before its work is done.
    """
    pool = ProcessPoolExecutor(
        min(len(jobs), os.cpu_count() or 1),
        get_context("spawn"),
        signal.signal,
        (signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield {name: pool.submit(job) for name, job in jobs.items()}
    except BrokenProcessPool:
        raise ProcessError(
            "a process beside this one has ended before its work was done, perhaps for lack of "
            "memory"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
