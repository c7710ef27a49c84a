"""Runs `carousel` as its program does, many times: each time in a fork of this process, which has
imported what all commands need. A line of JSON (`tests.abuse.cases.Run`) in, one out.

It is a script of its own, so that nothing of pytest is in the forks.
"""

import json
import os
import resource
import signal
import sys
import traceback
from importlib import import_module
from typing import Any

from carousel.main import COMMANDS
from carousel.main import main as carousel

PATIENCE = 5  # seconds of a clock for one of processor, in which one that waits is ended
IMPORTED = (
    "carousel.figure.story",
    "carousel.measure.verdict",
    "carousel.run.job",
    "carousel.run.report",
    "rtl.kit.files",
    "golden.importers.audio_json",
    "golden.importers.keras",
    "golden.importers.onnx",
    "golden.importers.pytorch",
)
MEMORY = 3 << 30  # bytes of a command; who asks for more is told so


def main() -> None:
    """Serve until the input ends; what is said besides goes to no one."""
    for module in (*COMMANDS.values(), *IMPORTED):
        import_module(module)
    for line in sys.stdin:
        run = json.loads(line)
        said, errors = os.pipe()
        child = os.fork()
        if not child:
            os._exit(_serve(run, errors))
        os.close(errors)
        with open(said, errors="replace") as lines:
            stderr = lines.read()
        _, status, used = os.wait4(child, 0)
        ended = {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": used.ru_utime + used.ru_stime,
            "stderr": stderr,
        }
        print(json.dumps(ended), flush=True)


def _serve(run: dict[str, Any], errors: int) -> int:
    """The command, in this process, whose streams, folder and limits become those of `run`."""
    os.chdir(run["folder"])
    os.environ.update(run["environment"])
    _become(0, os.open(os.devnull, os.O_RDONLY))
    _become(2, errors)
    _become(1, _stdout(run["stdout"]))
    if run["stdout"] == "closed":
        os.close(1)
    if run["gone"]:
        os.rmdir(run["folder"])
    signal.alarm(PATIENCE * run["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (run["seconds"], run["seconds"]))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    if run["room"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (run["room"], run["room"]))
    sys.stdin = _opened(0, "r")
    sys.stdout = None if run["stdout"] == "closed" else _opened(1, "w", run["encoding"])
    sys.stderr = _opened(2, "w")
    sys.argv = ["carousel", *run["words"]]
    try:
        carousel()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    try:  # as the interpreter does at its end
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        traceback.print_exc()
        code = 120
    return code


def _stdout(what: str) -> int:
    if what == "gone":
        reads, writes = os.pipe()
        os.close(reads)
        return writes
    return os.open(what if what != "closed" else os.devnull, os.O_WRONLY | os.O_CREAT)


def _opened(number: int, mode: str, encoding: str = "utf-8") -> Any:
    return open(number, mode, encoding=encoding, closefd=False)  # noqa: SIM115


def _become(number: int, handle: int) -> None:
    os.dup2(handle, number)
    os.close(handle)


if __name__ == "__main__":
    main()
