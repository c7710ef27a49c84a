"""A headless Chromium, driven over its own pipe by the DevTools protocol; no package is needed."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

    def __init__(self, give: int, take: int):
        self._give, self._take = os.fdopen(give, "wb", 0), os.fdopen(take, "rb", 0)
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
    here, theirs = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = (PROGRAM, *OPTIONS, *OFFLINE, f"--user-data-dir={profile}", *options)
        # the browser reads commands from file 3 and writes answers to file 4
        script = f'exec "$@" 3<&{here[0]} 4>&{theirs[1]}'
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", *words],
            pass_fds=(here[0], theirs[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(here[0])
        os.close(theirs[1])
        try:
            yield Browser(here[1], theirs[0])
        finally:
            process.terminate()
            process.wait()


def address(page: Path, part: str = "") -> str:
    """The address of a file."""
    return page.resolve().as_uri() + part
