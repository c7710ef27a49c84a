"""What a search has evaluated, a line of JSON each, so that an interrupted one goes on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carousel.errors import OutputError
from fixedpoint.evaluation import Evaluation
from fixedpoint.widths import Widths


class Journal:
    """Evaluations of one problem in a file that may hold those of others.

    A line is whole or does not count: one that was cut short, or is of another problem, is left
    where it is and not looked at.

    Parameters
    ----------
    path : the file, which need not exist.
    problem : what a line belongs to: the problem's digest, and the version that evaluated it.

    Raises
    ------
    OutputError : the file is there and cannot be read.
    """

    def __init__(self, path: Path, problem: str):
        self.path, self.problem = path, problem
        self.known: dict[Widths, Evaluation] = {}
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        except OSError as error:
            raise OutputError(f"{path}: cannot be read ({error.strerror})") from None
        self._whole = not text or text.endswith("\n")
        for line in text.splitlines():
            if (found := self._parse(line)) is not None:
                self.known[found.widths] = found

    def _parse(self, line: str) -> Evaluation | None:
        try:
            plain: Any = json.loads(line)
            return Evaluation.from_dict(plain["found"]) if plain["of"] == self.problem else None
        except (ValueError, KeyError, TypeError):
            return None

    @contextmanager
    def adding(self) -> Iterator["Journal"]:
        """Open for `add`; `OutputError` where it cannot be written."""
        try:
            with self.path.open("a", encoding="utf-8") as self._file:
                if not self._whole:
                    self._file.write("\n")
                yield self
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from None

    def add(self, found: Evaluation) -> None:
        """Write one more, at once."""
        self.known[found.widths] = found
        line = json.dumps({"of": self.problem, "found": found.as_dict()}, allow_nan=False)
        self._file.write(line + "\n")
        self._file.flush()
