"""Files that appear whole or not at all, and archives that give no more than they claim."""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from golden.errors import CarouselError


@contextmanager
def replacing(path: Path, error: type[CarouselError]) -> Iterator[Path]:
    """A name to write to; it becomes `path` on success, and is removed on error.

    A link stays one: what it leads to is replaced. A device or a pipe stays too: it is written to.

    Raises
    ------
    error : the place cannot be written.
    """
    try:
        if not special(path):
            real = path.resolve()
            other = real.with_name(f".{os.getpid()}.{real.name}")
            try:
                yield other
                other.replace(real)
            finally:
                other.unlink(missing_ok=True)
        else:
            with tempfile.TemporaryDirectory(prefix="carousel-") as folder:
                yield (other := Path(folder) / path.name)
                with path.open("ab") as file:
                    file.write(other.read_bytes())
    except OSError as caught:
        raise error(f"{path}: cannot be written ({caught.strerror})") from None


def check_readable(path: Path, error: type[CarouselError]) -> None:
    """Refuse what is there and is no file: who reads a pipe would wait for its writer.

    Raises
    ------
    error : a folder, a pipe, a device.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # said by who opens it
        return
    if not stat.S_ISREG(mode):
        what = "folder" if stat.S_ISDIR(mode) else "pipe or device"
        raise error(f"{path}: is a {what}, must be a file")


def special(path: Path) -> bool:
    """Whether something is there that no file may take the place of: a device, a pipe, stdout."""
    return path.exists() and (not path.is_file() or Path("/dev") in path.absolute().parents)


@contextmanager
def filling(folder: Path, error: type[CarouselError]) -> Iterator[Path]:
    """A folder to write files to; on success they move into `folder`, on error they are removed.

    Files of `folder` that have other names stay as they are. Meanwhile no other process can fill
    it; what one that was killed has left is removed.

    Raises
    ------
    error : `folder` is a file, cannot be made or written, is being filled by another process, or
        has a folder where a file should go.
    """
    above = (folder.absolute(), *folder.absolute().parents)
    try:
        existing = next(place for place in above if os.path.lexists(place))
        if not existing.is_dir():
            raise error(f"output folder {folder}: {existing} is not a folder")
    except OSError as caught:
        raise error(f"output folder {folder}: cannot be written ({caught.strerror})") from None
    made = above[: above.index(existing)]
    try:
        with _stage(above[0]) as stage:
            yield stage
            folder.mkdir(exist_ok=True)
            moves = {file: folder / file.name for file in sorted(stage.iterdir())}
            for place in moves.values():
                if place.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
            for file, place in moves.items():
                file.replace(place)
            made = ()
    except BlockingIOError:
        raise error(f"output folder {folder}: another run writes to it, let it end first") from None
    except OSError as caught:
        reason = f"{caught.strerror}: {caught.filename}"
        raise error(f"output folder {folder}: cannot be written ({reason})") from None
    finally:
        for place in made:
            with suppress(OSError):
                place.rmdir()


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """An empty folder in `folder`, or next to where it will be, that no other process can have.

    Raises
    ------
    BlockingIOError : another process has it.
    """
    if folder.exists():
        stage = folder / ".carousel"
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage = folder.with_name(f".carousel-{folder.name}")
    stage.mkdir(exist_ok=True)
    handle = os.open(stage, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone when the process is, however
        if not stage.exists() or not os.path.samestat(os.fstat(handle), stage.stat()):
            raise BlockingIOError  # another process had it until now, and has removed it
        for entry in os.scandir(stage):
            shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    finally:
        os.close(handle)


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
