"""Model files: a compressed `.npz` of the weights and one JSON header with a schema version.

Arrays are `layer0.weights.i`, `layer0.biases.i`, ..., `readout.weights`, `readout.biases`; the header (a
string array `header`) holds everything that is not a number of the network. Nothing is ever unpickled.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.network import Network, Readout

SCHEMA = 1


def save(net: Network, path: str | Path) -> None:
    """Write `net` to `path` (beside it first, then renamed, so that no half file is ever seen)."""
    header: dict[str, Any] = {"schema": SCHEMA, "name": net.name, "made_by": net.made_by, "layers": []}
    arrays: dict[str, np.ndarray] = {}
    for k, layer in enumerate(net.layers):
        options = {"block_size": layer.block_size, "gate_recurrence": layer.gate_recurrence}
        header["layers"].append({**options, "g": layer.g, "h": layer.h, "kinds": list(layer.shape.kinds)})
        for kind in layer.shape.kinds:
            arrays[f"layer{k}.weights.{kind}"] = layer.weights[kind]
            arrays[f"layer{k}.biases.{kind}"] = layer.biases[kind]
    if net.readout:
        header["readout"] = net.readout.squash
        arrays["readout.weights"], arrays["readout.biases"] = net.readout.weights, net.readout.biases
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | Path) -> Network:
    """Read a network; `ModelError` names the file and what is wrong with it."""
    path = Path(path)
    try:
        return _build(_read(path))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zipfile.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a readable model file ({reason})") from None


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix != ".npz":
        raise ModelError(f"suffix {path.suffix!r} is not a known model format; known is .npz")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ModelError("not an .npz archive")
        return {name: archive[name] for name in archive.files}


def _build(arrays: dict[str, np.ndarray]) -> Network:
    if "header" not in arrays:
        raise ModelError("header is missing; not a model file of this project")
    header = json.loads(str(arrays.pop("header")))
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        version = header.get("schema") if isinstance(header, dict) else None
        raise ModelError(f"schema version {version!r}: this program reads version {SCHEMA}")
    layers = []
    for k, options in enumerate(header["layers"]):
        values = {}
        for part in ("weights", "biases"):
            values[part] = {kind: _take(arrays, f"layer{k}.{part}.{kind}") for kind in options["kinds"]}
        try:
            rest = {name: options[name] for name in ("block_size", "gate_recurrence", "g", "h")}
            layers.append(Layer(**values, **rest))
        except ModelError as error:
            raise ModelError(f"layer {k}: {error}") from None
    readout = None
    if "readout" in header:
        readout = Readout(_take(arrays, "readout.weights"), _take(arrays, "readout.biases"), header["readout"])
    if arrays:
        raise ModelError(f"array {next(iter(arrays))!r} is not part of a version {SCHEMA} model")
    return Network(tuple(layers), readout, header["name"], header["made_by"])


def _take(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        raise ModelError(f"array {name!r} is missing")
    return arrays.pop(name)
