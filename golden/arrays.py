"""Arrays by name from a `.npz`: nothing is unpickled, and no size is believed before it is seen."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from golden.errors import ModelError
from golden.files import unpacked

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    RuntimeError,  # zipfile: encrypted; and what is derived from it
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged archive may raise."""


def read_arrays(path: Path, what: str, most: int) -> dict[str, np.ndarray]:
    """The arrays of a file.

    Parameters
    ----------
    what : what the file is, for errors.
    most : bytes that its arrays may claim in all.

    Raises
    ------
    ModelError : something else than arrays of numbers; sizes that do not fit what is there.
    One of UNREADABLE : a file that is missing or damaged.
    """
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive:
        total = sum(member.file_size for member in archive.infolist())
        if total > most:
            raise ModelError(f"arrays of {total} bytes in all, allowed are {most}")
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise ModelError(f"{name!r} is not an array of {what}")
            if name in arrays:
                raise ModelError(f"array {name!r} is there twice")
            arrays[name] = _array(name, unpacked(archive, member))
    return arrays


def _array(name: str, data: bytes) -> np.ndarray:
    """One `.npy`; its claimed size is checked against the bytes that there are."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ModelError(f"array {name!r}: an unknown .npy version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ModelError(f"array {name!r}: holds Python objects, must hold numbers")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if min(shape, default=0) < 0 or size != len(data) - file.tell():
        raise ModelError(
            f"array {name!r}: shape {shape} does not fit its {len(data) - file.tell()} bytes"
        )
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
