"""Where work is done: here, in other processes, on a cluster.

with workers.local(evaluate, problem, jobs=2) as work:
    for found in work(candidates): ...              # evaluate(problem, candidate), in any order
    for found in work(first, follow): ...           # and of what `follow` makes of each found
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from carousel.work.processes import Submit, spawned
from golden.errors import CarouselError
from golden.version import install

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CONNECT = 10  # seconds until a scheduler, and a worker of it, must have answered

Function = Callable[[Any, Any], Any]
Follow = Callable[[Any], Iterable[Any]]


class WorkerError(CarouselError):
    """Processes or a cluster that cannot do the work."""


def _nothing(found: Any) -> Iterable[Any]:
    return ()


@dataclass(frozen=True)
class Workers:
    """What does the work.

    Attributes
    ----------
    places : how many items are worked at side by side.
    run : (items, follow) to what is found of them.
    """

    places: int
    run: Callable[[Iterable[Any], Follow], Iterator[Any]]

    def __call__(self, items: Iterable[Any], follow: Follow = _nothing) -> Iterator[Any]:
        """What is found of the items, in any order, and of those that follow each thing found."""
        return self.run(items, follow)


@contextmanager
def local(function: Function, given: Any, jobs: int) -> Iterator[Workers]:
    """In this process, or in `jobs` processes with a thread each.

    Parameters
    ----------
    function : of a module, called with `given` and an item.

    Raises
    ------
    WorkerError : a process ends before its work is done.
    """
    if jobs == 1:
        yield Workers(1, partial(_here, partial(function, given)))
        return
    lost = WorkerError(
        "a process that worked has ended, perhaps for lack of memory; the same command goes on "
        "from here, with fewer --jobs if need be"
    )
    with _single_threads(), spawned(jobs, lost, _begin, function, given) as submit:
        yield Workers(jobs, partial(_in_pool, submit))


def _here(do: Callable[[Any], Any], items: Iterable[Any], follow: Follow) -> Iterator[Any]:
    waiting = deque(items)
    while waiting:
        answer = do(waiting.popleft())
        yield answer
        waiting.extendleft(follow(answer))


def _in_pool(submit: Submit, items: Iterable[Any], follow: Follow) -> Iterator[Any]:
    running = {submit(_do, item) for item in items}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for each in done:
            answer = each.result()
            running |= {submit(_do, item) for item in follow(answer)}
            yield answer


@contextmanager
def _single_threads() -> Iterator[None]:
    """Processes that begin meanwhile have one thread each for linear algebra."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def _begin(function: Function, given: Any) -> None:
    """A process of the pool takes what is given."""
    global _do_here
    _do_here = partial(function, given)


def _do(item: Any) -> Any:
    return _do_here(item)


@contextmanager
def cluster(function: Function, given: Any, address: str) -> Iterator[Workers]:
    """On the workers of a Dask scheduler, which must have this package.

    What a lost worker had to do is done by another one. Places are the threads of the workers that
    are there at the beginning.

    Raises
    ------
    WorkerError : Dask is not installed; no scheduler at the address, or none with workers; it, or
        one worker after the other, is lost.
    """
    try:
        import distributed
    except ImportError:
        raise WorkerError(
            f"--scheduler needs distributed, not installed: {install('dask')}"
        ) from None
    with _connected(distributed, address) as client:
        # made by a task, it is made again where the worker that had it is lost
        there = client.submit(_same, given, pure=False)
        submit = partial(client.submit, function, there, pure=False)
        try:
            yield Workers(
                sum(client.nthreads().values()), partial(_on_cluster, distributed, client, submit)
            )
        except (CancelledError, distributed.KilledWorker, OSError) as error:
            raise WorkerError(
                f"scheduler {address}: lost, or its workers are ({type(error).__name__}); the same "
                "command goes on from here"
            ) from None


@contextmanager
def _connected(distributed, address: str):
    try:
        client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WorkerError(f"scheduler {address}: cannot be reached ({reason})") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise WorkerError(f"scheduler {address}: has no workers") from None
        yield client


def _on_cluster(distributed, client, submit, items: Iterable[Any], follow: Follow) -> Iterator[Any]:
    running = distributed.as_completed([submit(item) for item in items], loop=client.loop)
    for done in running:
        answer = done.result()
        running.update([submit(item) for item in follow(answer)])
        yield answer


def _same(given: Any) -> Any:
    return given
