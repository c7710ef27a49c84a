"""What was found so far, a line of JSON each, so that work that was interrupted goes on."""

import json
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from carousel.cli.output import OutputError
from golden.files import check_readable


class Plain(Protocol):
    """What a line can be made of."""

    def as_dict(self) -> dict[str, Any]: ...


Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found", bound=Plain)


class Journal(Generic[Key, Found]):
    """What was found of one problem, in a file that may hold what was found of others.

    A line is whole or does not count: one that was cut short, or is of another problem, is left
    where it is and not looked at. Of two with the same key the later one counts.

    Parameters
    ----------
    path : the file, which need not exist.
    problem : what a line belongs to: a digest, and the version that found it.
    read : makes of what `as_dict` gave what it was; KeyError, TypeError, ValueError for others.
    key : by which a thing found is known.

    Raises
    ------
    OutputError : the file is there and cannot be read.
    """

    def __init__(
        self, path: Path, problem: str, read: Callable[[Any], Found], key: Callable[[Found], Key]
    ):
        self.path, self.problem, self._read, self._key = path, problem, read, key
        self.known: dict[Key, Found] = {}
        check_readable(path, OutputError)
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        except OSError as error:
            raise OutputError(f"{path}: cannot be read ({error.strerror})") from None
        self._whole = not text or text.endswith("\n")
        for line in text.splitlines():
            if (found := self._parse(line)) is not None:
                self.known[key(found)] = found

    def _parse(self, line: str) -> Found | None:
        try:
            plain: Any = json.loads(line)
            return self._read(plain["found"]) if plain["of"] == self.problem else None
        except (ValueError, KeyError, TypeError):
            return None

    @contextmanager
    def adding(self) -> Iterator["Journal[Key, Found]"]:
        """Open for `add`; `OutputError` where it cannot be written."""
        try:
            with self.path.open("a", encoding="utf-8") as self._file:
                if not self._whole:
                    self._file.write("\n")
                yield self
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from None

    def add(self, item: Found) -> None:
        """Write one more, at once."""
        self.known[self._key(item)] = item
        line = json.dumps({"of": self.problem, "found": item.as_dict()}, allow_nan=False)
        self._file.write(line + "\n")
        self._file.flush()
