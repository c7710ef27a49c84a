"""Arrays by name from a `.npz`: nothing is unpickled, and no size is believed before it is seen."""

import io
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from golden.errors import ModelError
from golden.files import unpacked

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    tokenize.TokenError,  # of a header that NumPy tries to read as Python 2 wrote it
    OverflowError,
    MemoryError,
    RuntimeError,  # zipfile: encrypted; and what is derived from it
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file may raise."""

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""What reads the header of a `.npy`, by version; later ones only have names of fields besides."""


def reason(error: Exception) -> str:
    """What is wrong with a file, from what reading it raised: a line that is not long."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{str(error).splitlines()[0]:.200}" if str(error) else type(error).__name__


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
            data = unpacked(archive, member)
            try:
                arrays[name] = read_array(io.BytesIO(data), len(data))
            except ModelError as error:
                raise ModelError(f"array {name!r}: {error}") from None
    return arrays


def read_array(file: IO[bytes], length: int) -> np.ndarray:
    """The array of a `.npy` of `length` bytes, with which the size that it claims is compared.

    Raises
    ------
    ModelError : something else than an array of numbers; a size that does not fit.
    One of UNREADABLE : a damaged file.
    """
    with warnings.catch_warnings(action="ignore"):  # what Python says of a damaged header's text
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ModelError(f"unknown .npy version {version[0]}.{version[1]}")
        shape, _, dtype = HEADERS[version](file)
        if dtype.hasobject:
            raise ModelError("holds Python objects, must hold numbers")
        size = dtype.itemsize
        for count in shape:
            size *= count
        left = length - file.tell()
        if min(shape, default=0) < 0 or size != left:
            raise ModelError(f"shape {shape} does not fit its {left} bytes")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
