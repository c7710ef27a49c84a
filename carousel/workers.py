"""Where a search's candidates are evaluated: here, in processes beside this one, on a cluster."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial

from carousel.beside import spawned
from fixedpoint.evaluation import Evaluation, Problem, evaluate
from fixedpoint.search import Evaluate
from fixedpoint.widths import Widths
from golden.errors import CarouselError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CONNECT = 10  # seconds until a scheduler, and a worker of it, must have answered


class WorkerError(CarouselError):
    """Processes or a cluster that cannot do the work."""


@contextmanager
def local(problem: Problem, jobs: int) -> Iterator[Evaluate]:
    """In this process, or in `jobs` processes with a thread each.

    Raises
    ------
    WorkerError : a process ends before its work is done.
    """
    if jobs == 1:
        yield partial(map, partial(evaluate, problem))
        return
    lost = WorkerError(
        "a process of the search has ended, perhaps for lack of memory; the same command goes on "
        "from here, with fewer --jobs if need be"
    )
    with _single_threads(), spawned(jobs, _begin, (problem,), lost) as pool:
        yield partial(_in_pool, pool)


def _in_pool(pool: ProcessPoolExecutor, candidates: Sequence[Widths]) -> Iterator[Evaluation]:
    for done in as_completed([pool.submit(_evaluate, widths) for widths in candidates]):
        yield done.result()


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


def _begin(problem: Problem) -> None:
    """A process of the pool takes the problem, and leaves an interruption to who began it."""
    global _evaluate_here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _evaluate_here = partial(evaluate, problem)


def _evaluate(widths: Widths) -> Evaluation:
    return _evaluate_here(widths)


@contextmanager
def cluster(problem: Problem, address: str) -> Iterator[Evaluate]:
    """On the workers of a Dask scheduler, which must have this package.

    What a lost worker had to do is done by another one.

    Raises
    ------
    WorkerError : Dask is not installed; no scheduler at the address, or none with workers; it, or
        one worker after the other, is lost.
    """
    try:
        import distributed
    except ImportError:
        raise WorkerError(
            "--scheduler: Dask is not installed, `pip install 'carousel[dask]'` brings it"
        ) from None
    with _connected(distributed, address) as client:
        # made by a task, it is made again where the worker that had it is lost
        given = client.submit(_same, problem, pure=False)
        try:
            yield partial(_on_cluster, distributed, client, given)
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


def _on_cluster(distributed, client, given, candidates: Sequence[Widths]) -> Iterator[Evaluation]:
    futures = [client.submit(evaluate, given, widths, pure=False) for widths in candidates]
    for done in distributed.as_completed(futures, loop=client.loop):
        yield done.result()


def _same(problem: Problem) -> Problem:
    return problem
