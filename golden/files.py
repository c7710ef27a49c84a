"""Files that appear whole or not at all, and archives that give no more than they claim."""

import os
import zipfile
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


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """One member of an archive; no more of it is unpacked than it claims to hold.

    Raises
    ------
    zipfile.BadZipFile : it holds something else, or is packed by another method than zip's own.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"compression {member.compress_type} is not known")
    with archive.open(member) as file:
        return file.read(member.file_size)
