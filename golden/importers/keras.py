"""Keras: a `.keras` file of Keras 3, or an `.h5` of Keras 2 or 3, read without Keras.

`keras_config` says which layers there are and which reads which, `keras_plan` what flows between
them, `keras_units` what each computes.
"""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.files import unpacked
from golden.importers import check_file, check_size, hdf5, network_name, shown
from golden.importers.assembly import network
from golden.importers.keras_config import layers
from golden.importers.keras_graph import OUTPUTS
from golden.importers.keras_layer import as_object
from golden.importers.keras_options import NOTHING
from golden.importers.keras_plan import Step, plan, stages
from golden.importers.keras_units import Unit
from golden.network import Network
from golden.reading import Reading

WEIGHTS, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"
OUTPUTS_OF = {"every": "every step", "last": "the last step", "final": "each direction's last step"}
PACKED = 100  # times the file's size that its members may have in all


def load_keras(path: Path) -> Network:
    """Read a `.keras` file; `ModelError` names what is wrong or not supported."""
    members = _members(path)
    version = _version(
        as_object(json.loads(members[METADATA]), METADATA).get("keras_version"), (3,)
    )
    steps = plan(layers(as_object(json.loads(members[CONFIG]), CONFIG)), version)
    units = [unit for step in steps for unit in step.units]
    asked = {unit.place: unit.question for unit in units if unit.shapes}
    arrays = hdf5.read(WEIGHTS, members[WEIGHTS], {"groups": asked})
    return _network(steps, arrays, network_name(path), version)


def load_h5(path: Path) -> Network:
    """Read an `.h5` file of a whole model; `ModelError` names what is wrong or not supported."""
    check_file(path)
    data = path.read_bytes()
    said = hdf5.read("model", data, {"attributes": ["keras_version", "model_config"]})
    version = _version(str(said["keras_version"]), (2, 3))
    config = as_object(json.loads(str(said["model_config"])), "model_config")
    steps = plan(layers(config, old=True), version)
    units = [unit for step in steps for unit in step.units]
    named: dict[str, list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: unit.part.place):
        if unit.shapes:
            named.setdefault(unit.part.owner, []).append(unit)
    asked = {
        name: [
            (shape, unit.part.name if len(found) > 1 else "")
            for unit in found
            for shape in unit.shapes
        ]
        for name, found in named.items()
    }
    given = hdf5.read("model", data, {"weights": asked})
    arrays = {}
    for name, found in named.items():
        places = [f"{unit.place}/{k}" for unit in found for k in range(len(unit.shapes))]
        arrays |= {place: given[f"{name}/{k}"] for k, place in enumerate(places)}
    return _network(steps, arrays, network_name(path), version)


def _version(said: Any, allowed: tuple[int, ...]) -> int:
    """The major version of Keras."""
    for version in allowed:
        if isinstance(said, str) and said.startswith(f"{version}."):
            return version
    raise ModelError(f"keras_version {shown(said)}: must be {' or '.join(map(str, allowed))}")


def _members(path: Path) -> dict[str, bytes]:
    """The zip's three members; sizes are looked at before anything is unpacked."""
    size = check_file(path)
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if total > PACKED * size:
            raise ModelError(
                f"unpacks to {total} bytes, allowed are {PACKED} times its own {size} bytes"
            )
        check_size(total // 8)
        for info in infos:
            if info.filename in found:
                raise ModelError(f"{shown(info.filename)} is in it twice")
            if info.filename in (WEIGHTS, CONFIG, METADATA):
                found[info.filename] = unpacked(archive, info)
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in found:
            raise ModelError(f"{name} is missing; not a model file of Keras 3")
    return found


def _heads(steps: list[Step]) -> tuple[tuple[str, int], ...]:
    """The layers that several outputs are of, and their widths."""
    if steps[-1].part.name != OUTPUTS:
        return ()
    given = [steps[k] for k in steps[-1].sources]
    return tuple((step.part.name, step.at.width) for step in given)


def _network(steps: list[Step], arrays: dict[str, np.ndarray], name: str, version: int) -> Network:
    end = steps[-1].at
    output = "every" if end.every else "final"
    reading = Reading(
        axes="NT" if end.index else "NTD",
        axes_out="NTD",
        indices=end.index,
        window=end.window,
        steps=max(step.steps for step in steps),
        heads=_heads(steps),
    )
    net = network(stages(steps, arrays), name, "", output, reading)
    told = [step.part for step in steps if step.part.kind not in ("InputLayer", *NOTHING)]
    said = ", then ".join(str(part) for part in told if part.name != OUTPUTS)
    return replace(net, made_by=f"Keras {version}, {said}; output of {OUTPUTS_OF[net.output]}")
