"""A Dask scheduler and workers as processes of their own, on this machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).parents[2]


@dataclass
class Cluster:
    """Processes that are ended with the test.

    Attributes
    ----------
    address : of the scheduler.
    scheduler, workers : the processes.
    """

    address: str
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[Cluster]:
    """A scheduler with `count` workers of a thread each, all of them there; logs in `folder`."""
    file, started = folder / "scheduler.json", []

    def start(module: str, *words: str) -> subprocess.Popen[str]:
        call = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(file)]
        log = (folder / f"{module}{len(started)}.log").open("w")
        started.append(
            subprocess.Popen([*call, *words], cwd=ROOT, stdout=log, stderr=log, text=True)
        )
        log.close()
        return started[-1]

    try:
        scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        while not file.exists():
            assert scheduler.poll() is None, (folder / "dask_scheduler0.log").read_text()
            time.sleep(0.05)
        words = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory")
        workers = [start("dask_worker", *words, str(folder)) for _ in range(count)]
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            address = client.scheduler.address
            if count:
                client.wait_for_workers(count, timeout=60)
        yield Cluster(address, scheduler, workers)
    finally:
        for process in started:
            process.kill()
            process.wait()
