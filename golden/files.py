"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from golden.errors import CarouselError


@contextmanager
def replacing(path: Path, error: type[CarouselError]) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` when the block ends well, else goes.

    Raises
    ------
    error : the place cannot be written.
    """
    other = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield other
        other.replace(path)
    except OSError as caught:
        raise error(f"{path}: cannot be written ({caught.strerror})") from None
    finally:
        with suppress(OSError):
            other.unlink()
