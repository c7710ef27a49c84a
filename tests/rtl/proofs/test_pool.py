"""Jobs side by side: each result at its place, and none goes on after a failure."""

import threading
import time

import pytest

from rtl.proofs.errors import ProofError
from rtl.proofs.pool import run_all


def test_results_come_in_the_order_of_the_jobs_and_two_run_at_a_time():
    """Both have to be under way before either goes on."""
    both = threading.Barrier(2)
    seen = []

    def job(number):
        def run(progress):
            progress(f"this is {number}")
            both.wait(60)
            return number

        return run

    jobs = {str(number): job(number) for number in range(4)}
    found = run_all(jobs, 2, lambda done, running: seen.append((done, running)))
    assert found == [0, 1, 2, 3]
    assert max(len(running) for _, running in seen) <= 2
    assert seen[-1] == (4, {})


@pytest.mark.parametrize("error", [ProofError, KeyboardInterrupt])
def test_a_failure_ends_what_runs_and_what_waits(error):
    """A job notices it where it tells its progress; one that has not begun never does."""
    begun, ended = [], []
    under_way = threading.Event()

    def fails(progress):
        under_way.wait(60)
        raise error("a reason")

    def lasts(progress):
        begun.append("lasts")
        under_way.set()
        try:
            while True:
                progress("still")
                time.sleep(0.01)
        finally:
            ended.append("lasts")

    def never(progress):
        begun.append("never")

    with pytest.raises(error, match="a reason"):
        run_all({"fails": fails, "lasts": lasts, "never": never}, 2, lambda *_: None)
    assert begun == ended == ["lasts"]
