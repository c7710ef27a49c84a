"""The processes that a command starts end with it, whoever ends it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from carousel.work import processes
from tests.processes import marked

JOBS = """
import os, signal, sys
from functools import partial
from carousel.work.processes import running
from golden.processes import supervise

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endless = [sys.executable, "-c", "import time; time.sleep(1000)"]
    job, log, environment = supervise, sys.argv[1], dict(os.environ)
    jobs = {name: partial(job, endless, log + name, environment) for name in "abcd"}
    with running(jobs) as futures:
        futures["a"].result()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_them_and_what_they_started(tmp_path, number):
    """Those that work, and those that wait for their turn."""
    mark, script = f"processes-{os.getpid()}-{number}", tmp_path / "jobs.py"
    script.write_text(JOBS)
    with subprocess.Popen(
        [sys.executable, script, str(tmp_path / "log")],
        env=os.environ | {"CAROUSEL_MARK": mark},
        stderr=subprocess.DEVNULL,
    ) as process:
        while not any("sleep" in line for line in marked(mark)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        process.wait()
    assert process.returncode in (-signal.SIGINT, 128 + number)
    # Python's own process for what is shared notices last
    assert not [line for line in marked(mark) if "resource_tracker" not in line]


def test_one_that_dies_is_said():
    with (
        pytest.raises(processes.ProcessError, match="has ended before its work was done"),
        processes.running({"a": os.abort}) as futures,
    ):
        futures["a"].result()
