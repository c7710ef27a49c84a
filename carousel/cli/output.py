"""What a command writes: files and folders, each whole or not at all, and JSON."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import typer

from golden.errors import CarouselError
from golden.files import filling, replacing, special


class OutputError(CarouselError):
    """A file or folder that cannot be written."""


_made: list[Path] = []
"""Folders that were made for files to come, the innermost first."""


def tidy() -> None:
    """Remove the folders that `make_parent` made and that are still empty."""
    while _made:
        with suppress(OSError):
            _made.pop(0).rmdir()


def folder(path: Path) -> AbstractContextManager[Path]:
    """A folder to write files to, which move into `path` on success; see `golden.files.filling`."""
    return filling(path, OutputError)


def make_parent(path: Path) -> None:
    """The folder that `path` is to lie in; `OutputError` where it cannot be made.

    Where the command ends without a file in it, it is removed again.
    """
    made = [place for place in path.absolute().parents if not os.path.lexists(place)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"output folder {path.parent}: {error.strerror}") from None
    finally:
        _made.extend(made)


def check_file(path: Path | None) -> None:
    """Refuse a file that cannot be written, before the work is done that should end in it."""
    if path is None:
        return
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder, must be a file")
        if special(path) and os.access(path, os.W_OK):
            return
        with suppress(FileNotFoundError):
            path.lstat()  # of a name that is too long another error
        if not path.absolute().parent.is_dir():
            raise OutputError(f"{path}: folder {path.parent} does not exist")
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        reason = f"folder {path.parent} cannot be written: {error.strerror}"
        raise OutputError(f"{path}: {reason}") from None


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """A name to write to, which becomes `path` on success; see `golden.files.replacing`."""
    check_file(path)
    with replacing(path, OutputError) as other:
        yield other


def to_json(data: dict[str, Any]) -> str:
    """JSON text; a number that JSON cannot say is an error and not written."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def write_json(path: Path | None, data: dict[str, Any]) -> None:
    """Write `data` to `path`, or nothing where there is no path."""
    if path is not None:
        with file(path) as other:
            other.write_text(to_json(data), encoding="utf-8")


def assumed(text: str) -> None:
    """Say what a model file does not say and was assumed."""
    if text:
        typer.echo(f"Assumed  {text}")


def finish(data: dict, json: Path | None, ok: bool) -> None:
    """Write the JSON, and end with status 1 where a check did not hold."""
    write_json(json, {**data, "ok": ok})
    if not ok:
        raise typer.Exit(1)
