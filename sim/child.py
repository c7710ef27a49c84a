"""One build or one run by cocotb's runner, in a process of its own: `python child.py SPEC.json`.

The runner writes to the terminal, changes the environment and leaves Python when a run fails; here
it may. A request to end (SIGTERM) becomes an exception, so that the runner waits for what it
started.
"""

import json
import signal
import sys
from typing import Any

from cocotb_tools.runner import get_runner


def main(path: str) -> None:
    """Do what the file says: {"do": "build" or "test", "arguments": of the runner's method}."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with open(path) as file:
        spec: dict[str, Any] = json.load(file)
    runner = get_runner("verilator")
    (runner.build if spec["do"] == "build" else runner.test)(**spec["arguments"])


if __name__ == "__main__":
    main(sys.argv[1])
