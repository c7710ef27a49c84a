"""Files that appear whole or not at all, and archives that give no more than they claim."""

import errno
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from golden.errors import CarouselError


@contextmanager
def replacing(path: Path, error: type[CarouselError]) -> Iterator[Path]:
    """A name next to `path` to write to; renamed to `path` on success, removed on error.

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


@contextmanager
def filling(folder: Path, error: type[CarouselError]) -> Iterator[Path]:
    """A folder to write files to; on success they move into `folder`, on error they are removed.

    Files of `folder` that have other names stay as they are.

    Raises
    ------
    error : `folder` is a file, cannot be made or written, or has a folder where a file should go.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise error(f"output folder {folder}: {existing} is not a folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".carousel-", dir=existing) as stage:
            yield Path(stage)
            folder.mkdir(parents=True, exist_ok=True)
            moves = {file: folder / file.name for file in sorted(Path(stage).iterdir())}
            for place in moves.values():
                if place.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
            for file, place in moves.items():
                file.replace(place)
    except OSError as caught:
        reason = f"{caught.strerror}: {caught.filename}"
        raise error(f"output folder {folder}: cannot be written ({reason})") from None


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
