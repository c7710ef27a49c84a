"""Work in processes of their own, while this one does something else."""

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context
from typing import Any

from golden.errors import CarouselError
from golden.processes import processors, terminable

Submit = Callable[..., Future[Any]]


class ProcessError(CarouselError):
    """A process that ended before its work was done."""


@contextmanager
def spawned(
    count: int, lost: CarouselError, begin: Callable[..., Any] | None = None, *arguments: Any
) -> Iterator[Submit]:
    """`count` fresh processes, each of which begins with a call: what gives them work.

    An interruption, from the terminal or by a request to end, ends them and what they have started.

    Raises
    ------
    CarouselError : `lost`, where a process ends before its work is done.
    """
    others = set(active_children())
    with terminable():
        pool = ProcessPoolExecutor(count, get_context("spawn"), _begin, (begin, arguments))
        try:
            yield partial(_submit, pool)
        except BrokenProcessPool:
            raise lost from None
        except BaseException:
            for process in set(active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> None:
    """Workers ignore an interruption from the terminal; the parent process ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if begin is not None:
        begin(*arguments)


def _submit(
    pool: ProcessPoolExecutor, function: Callable[..., Any], *arguments: Any
) -> Future[Any]:
    """Work for the pool, pickled at once: its own thread would do that later, while this one may
    compute what the objects keep."""
    return pool.submit(_work, pickle.dumps((function, arguments)))


def _work(pickled: bytes) -> Any:
    """Asked to end meanwhile, a process ends what it has started, and then itself."""
    try:
        with terminable():
            function, arguments = pickle.loads(pickled)
            return function(*arguments)
    except SystemExit as asked:  # which the pool would take for the work's result
        os._exit(int(asked.code or 0))


@contextmanager
def running(jobs: Mapping[Any, Callable[[], Any]]) -> Iterator[dict[Any, Future[Any]]]:
    """The jobs' results to be, by name, as many at a time as there are processors.

    Raises
    ------
    ProcessError : a process ends before its work is done.
    """
    lost = ProcessError(
        "a worker process has ended before its work was done, perhaps for lack of memory"
    )
    with spawned(min(len(jobs), processors()), lost) as submit:
        yield {name: submit(job) for name, job in jobs.items()}
