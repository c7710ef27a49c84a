"""What a program stands on: stdout, stderr and a current folder, which may be closed, full or gone.

A stdout that cannot be written is an error of the user's like others; of a stderr that cannot be
written nobody can be told. Names can have bytes that are no text: they are shown escaped.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class StreamError(Exception):
    """What `checked` says; no `CarouselError`, so that --help need not wait for NumPy."""


@contextmanager
def checked() -> Iterator[None]:
    """stdout and stderr as above while the block runs; what is left to write is written.

    Ends with one line and status 2 where stdout cannot be written, or the current folder is gone.
    """
    closed = sys.stdout is None
    for number in (0, 1, 2):
        _fill(number)
    sys.stderr = _text(sys.stderr, 2)
    try:
        if closed:
            raise StreamError("stdout: is closed")
        try:
            os.getcwd()
        except OSError as error:
            raise StreamError(f"current folder: is gone ({error.strerror})") from None
        sys.stdout = _text(sys.stdout, 1)
        try:
            yield
        finally:
            sys.stdout.flush()
    except StreamError as error:
        print(f"carousel: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        sys.stderr.flush()


class _Stream(io.FileIO):
    """Says once that it cannot be written, stderr not at all; the rest goes nowhere."""

    def __init__(self, number: int):
        super().__init__(number, "w", closefd=False)
        self._lost = number == 2

    def write(self, data, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self._lost:
                self._lost = True
                raise StreamError(f"stdout: cannot be written ({error.strerror})") from None
            return len(data)


def _text(stream: TextIO | None, number: int) -> TextIO:
    encoding = stream.encoding if stream else "utf-8"
    lines = number == 2 or (stream is not None and stream.isatty())
    raw = io.BufferedWriter(_Stream(number))
    return io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=lines)


def _fill(number: int) -> None:
    """Open what is closed, so that no file takes its place."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
