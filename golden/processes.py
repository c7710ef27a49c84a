"""A tool in a process of its own: its output goes to a file, and no wait for it outlives us."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

POLL = 0.05  # seconds between two looks at a process
GRACE = 5.0  # seconds that a process has to end by itself


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def supervise(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
    tick: Callable[[], None] | None = None,
) -> int:
    """Run a command to its end and return its exit status.

    It runs in a session of its own, so that Ctrl-C reaches us alone. Whatever ends the wait, Ctrl-C
    included, ends the command and all that it started.

    Parameters
    ----------
    log : file that takes all output.
    folder : where it runs; default here.
    tick : called some 20 times a second.
    """
    with (
        open(log, "w") as output,
        subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL)
                if tick:
                    tick()
        except BaseException:
            _end(process)
            raise


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """While it lasts, a request to end (SIGTERM) is an exception, which ends what was started.

    A second request does not disturb that.
    """

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started; it is asked first, so that it can collect its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
