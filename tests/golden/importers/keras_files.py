"""Sample files of Keras, taken apart and put together otherwise."""

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

from tests.golden.importers.support import DATA, refused

WEIGHTS = "model.weights.h5"


def members(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(DATA / f"keras_{name}.keras") as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(found: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return file.getvalue()


def claiming(data: bytes, name: str, size: int) -> bytes:
    """A zip that says that a member unpacks to `size` bytes."""
    said = bytearray(data)
    entry = data.index(name.encode(), data.index(b"PK\x01\x02")) - 46  # in the zip's directory
    (local,) = struct.unpack_from("<I", data, entry + 42)
    for place in (entry + 24, local + 22):
        struct.pack_into("<I", said, place, size)
    return bytes(said)


def written(path: Path, found: dict[str, bytes]) -> Path:
    path.write_bytes(zipped(found))
    return path


def with_config(path: Path, name: str, change: Any) -> str:
    """The refusal of a sample whose config was changed."""
    found = members(name)
    config = json.loads(found["config.json"])
    change(config)
    return refused(written(path, {**found, "config.json": json.dumps(config).encode()}))
