"""Weights of an ONNX file that lie in files next to it, as PyTorch writes them."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers import check_size, shown
from golden.importers.onnx_graph import DTYPES

EXTERNAL = 1  # a tensor's data_location


def embed(model: Any, folder: Path) -> int:
    """Put the bytes of external tensors into the model; how many they are.

    Raises
    ------
    ModelError : names the tensor: a place outside of the folder, a file that is missing or shorter
        than the tensor needs.
    """
    total = 0
    for tensor in _tensors(model.graph):
        if tensor.data_location != EXTERNAL and not len(tensor.external_data):
            continue
        what = f"initializer {shown(tensor.name)}"
        if tensor.data_type not in DTYPES:
            raise ModelError(f"{what}: data type {tensor.data_type} is not supported")
        size = math.prod(tensor.dims) * np.dtype(DTYPES[tensor.data_type]).itemsize
        if min(tensor.dims, default=0) < 0:
            raise ModelError(f"{what}: shape {tuple(tensor.dims)}")
        total += size
        check_size(total // 8)
        said = {entry.key: entry.value for entry in tensor.external_data}
        data = _read(what, folder, said, size)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = data
    return total


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _read(what: str, folder: Path, said: dict[str, str], size: int) -> bytes:
    """The bytes of one tensor."""
    name = said.get("location", "")
    pure = PurePosixPath(name)
    away = pure.is_absolute() or ".." in pure.parts or PureWindowsPath(name).drive or "\\" in name
    place = folder / name
    if not name or away or not place.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{what}: location {shown(name)}, must be a file in the model's folder")
    if not place.is_file():
        raise ModelError(f"{what} lies in {shown(name)}, which is not next to the model file")
    try:
        offset, length = int(said.get("offset", 0)), int(said.get("length", size))
    except ValueError:
        raise ModelError(f"{what}: offset and length must be whole numbers") from None
    if offset < 0 or length != size or offset + size > place.stat().st_size:
        raise ModelError(
            f"{what}: offset {offset}, length {length} of {shown(name)}, which has "
            f"{place.stat().st_size} bytes; its shape needs {size}"
        )
    with place.open("rb") as file:
        file.seek(offset)
        return file.read(size)
