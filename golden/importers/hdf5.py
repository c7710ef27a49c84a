"""Arrays out of an HDF5 file, by a process of its own (`hdf5_worker`), within bounds."""

import importlib
import io
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

from golden.errors import ModelError
from golden.importers.hdf5_worker import REFUSED, Question

OUT_OF_TIME = -24  # exit status of a process that SIGXCPU has ended
WORKER = Path(__file__).with_name("hdf5_worker.py")
SECONDS = 30  # of a processor's time that the reader may take,
PATIENCE = 4  # and so many times as much by the clock, for a machine that is busy


def read(what: str, data: bytes, question: Question) -> dict[str, np.ndarray]:
    """The arrays that `question` asks for (see `hdf5_worker`).

    Raises
    ------
    ModelError : begins with `what`; a damaged file, another content than asked for.
    ModuleNotFoundError : there is no h5py.
    """
    importlib.import_module("h5py")
    asked = json.dumps(question).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(WORKER), str(SECONDS)],
            input=b"".join((struct.pack("<Q", len(asked)), asked, data)),
            capture_output=True,
            timeout=PATIENCE * SECONDS,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode == OUT_OF_TIME:
        raise ModelError(f"{what}: damaged (not read within {SECONDS} s by the HDF5 library)")
    if done.returncode == REFUSED:
        raise ModelError(f"{what}: {done.stdout.decode(errors='replace')}")
    if done.returncode:
        raise ModelError(f"{what}: damaged (the HDF5 library gave up, status {done.returncode})")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
