"""Several jobs with tools of their own at a time; none outlives an interruption or a failure."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from golden.processes import POLL
from rtl.proofs.solver import Progress

Result = TypeVar("Result")
Watch = Callable[[int, Mapping[str, str]], None]
"""Called all the while with how many jobs are done, and what each that runs said last."""


class _StoppedError(Exception):
    """A job need not go on: another one failed, or the user has had enough."""


def run_all(
    jobs: Mapping[str, Callable[[Progress], Result]], at_once: int, watch: Watch
) -> list[Result]:
    """The results of all jobs, in their order; `at_once` of them run at a time.

    Parameters
    ----------
    jobs : by name. Each calls its progress some 20 times a second, and ends when that raises.

    Raises
    ------
    Exception : what a job raises; the others are ended then.
    """
    stop = Event()
    running: dict[str, str] = {}

    def one(name: str, job: Callable[[Progress], Result]) -> Result:
        def progress(said: str) -> None:
            if stop.is_set():
                raise _StoppedError
            running[name] = said

        progress("")
        try:
            return job(progress)
        except BaseException:
            stop.set()
            raise
        finally:
            del running[name]

    with ThreadPoolExecutor(at_once) as pool:
        order = [pool.submit(one, name, job) for name, job in jobs.items()]
        waiting = set(order)
        try:
            while waiting:
                done, waiting = wait(waiting, POLL, FIRST_EXCEPTION)
                errors = (each.exception() for each in done)
                for error in errors:
                    if error and not isinstance(error, _StoppedError):
                        raise error
                watch(len(jobs) - len(waiting), dict(running))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [each.result() for each in order]
