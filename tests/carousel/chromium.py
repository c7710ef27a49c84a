"""A headless Chromium, driven over its own pipe by the DevTools protocol; no package is needed."""

import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PROGRAM = next(
    (found for found in map(shutil.which, ("chromium", "chromium-browser")) if found), ""
)
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking")


class Browser:
    """One page of a browser.

    Attributes
    ----------
    said : what the page's console said, and what went wrong in its scripts.
    asked : the addresses that the page asked for.
    """

    def __init__(self, give: IO[bytes], take: IO[bytes]):
        self._give, self._take = give, take
        self._rest, self._number, self._session = b"", 0, ""
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._give.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = self._take.read(1 << 20)
            assert read, "the browser ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.said.append(json.dumps(params["exceptionDetails"]))
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.said.append(json.dumps(params["args"]))
        elif event.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])

    def open(self, address: str) -> None:
        """Load a page and wait until its scripts have made it or said why not."""
        self.call("Page.navigate", url=address)
        ready = "document.readyState === 'complete' && (!!window.carousel || !failed.hidden)"
        self.wait(ready)

    def evaluate(self, text: str) -> Any:
        """The value of an expression of the page's; of a promise, what it comes to."""
        found = self.call(
            "Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until a condition holds."""
        while not self.evaluate(condition):
            self.evaluate("new Promise((resume) => setTimeout(resume, 50))")

    def key(self, key: str) -> None:
        """Press and let go a key."""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else ""
            )

    def click(self, selector: str) -> None:
        """A click of the mouse in the middle of an element."""
        x, y = self.evaluate(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); "
            "found.scrollIntoView({ block: 'center' }); const box = found.getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@contextmanager
def browser(*options: str) -> Iterator[Browser]:
    """A browser without any network, ended at the end."""
    assert PROGRAM, "needs Chromium; on Debian: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = (PROGRAM, *OPTIONS, *OFFLINE, f"--user-data-dir={profile}", *options)
        (commands, give), (take, answers) = os.pipe(), os.pipe()
        # the browser reads commands from file 3 and writes answers to file 4
        files = [
            *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)),
            (os.POSIX_SPAWN_DUP2, high(commands), 3),
            (os.POSIX_SPAWN_DUP2, high(answers), 4),
        ]
        process = os.posix_spawn(PROGRAM, words, os.environ, file_actions=files)
        for _, used, *_ in files[3:]:
            os.close(used)
        try:
            with os.fdopen(give, "wb", 0) as sending, os.fdopen(take, "rb", 0) as receiving:
                yield Browser(sending, receiving)
        finally:
            os.kill(process, signal.SIGTERM)
            os.waitpid(process, 0)


def high(file: int) -> int:
    """The same file under a number that is not wanted for another."""
    moved = fcntl.fcntl(file, fcntl.F_DUPFD, 10)
    os.close(file)
    return moved


def address(page: Path, part: str = "") -> str:
    """The address of a file."""
    return page.resolve().as_uri() + part
