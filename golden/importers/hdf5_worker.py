"""Arrays out of an HDF5 file, for `hdf5`, run as a process of its own.

The HDF5 library may loop, crash or ask for any amount of memory when a file is damaged with intent,
and only the end of a process bounds that.

    argv    seconds that it may take
    stdin   the question's length in 8 bytes, the question in JSON, the HDF5 file
    stdout  an .npz of the arrays (status 0), or what is wrong in one line (status 3)

Nothing of this project is imported here. Read are plain data sets, stored in one piece in the file.
"""

import contextlib
import io
import json
import struct
import sys
from typing import Any

import numpy as np

REFUSED = 3  # exit status
WEIGHTS = (
    "vars", "cell/vars", "layer/vars", "forward_layer/cell/vars", "backward_layer/cell/vars"
)  # fmt: skip
"""Where the groups of layers have their arrays."""
DEEPEST = 8  # models within models
TEXT = 1 << 24  # characters of an attribute
SPARE = 256 << 20  # bytes of memory beyond a few times the file's size

Question = dict[str, Any]
"""One of these:

    groups      place of a group -> its arrays' "shapes", its layer's "name", "owner": the group
                that has it; other groups with arrays are refused
    attributes  names of the file's own attributes, which are texts
    weights     name of a layer -> its arrays' shapes, each with a word that must be in its name or
                "", in the order that its `weight_names` say
"""


class RefusedError(ValueError):
    """What is wrong with the file, in one line."""


def arrays(data: bytes, question: Question) -> dict[str, np.ndarray]:
    """The arrays `place/0`, `place/1`, ... of every place that is asked for; or attributes."""
    import h5py

    with h5py.File(io.BytesIO(data), "r") as file:
        found = {}
        for name in question.get("attributes", ()):
            found[name] = np.array(_text(file, name))
        for name, shapes in question.get("weights", {}).items():
            found |= _named(h5py, file, name, shapes)
        for place, asked in question.get("groups", {}).items():
            found |= _group(h5py, file, place, asked)
        if "groups" in question:
            _check_all_taken(h5py, file, question["groups"], "layers", 0)
        if "weights" in question:
            _check_all_named(h5py, file, question["weights"])
        return found


def _text(file: Any, name: str) -> str:
    """An attribute of the file."""
    value = file.attrs.get(name)
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    if not isinstance(value, str) or len(value) > TEXT:
        raise RefusedError(
            f"attribute {name} is missing; give the .h5 of a whole model (model.save)"
        )
    return value


def _words(group: Any, name: str) -> list[str]:
    """An attribute that is a list of texts."""
    values = group.attrs.get(name)
    if values is None or np.ndim(values) != 1:
        raise RefusedError(f"attribute {name} is missing")
    return [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values]


def _named(h5py: Any, file: Any, name: str, shapes: list[Any]) -> dict[str, np.ndarray]:
    """The arrays of a layer."""
    place = f"model_weights/{name}"
    words = _words(_at(h5py, file, place, h5py.Group, "a group"), "weight_names")
    if len(words) != len(shapes):
        raise RefusedError(f"{place} has {len(words)} arrays, must have {len(shapes)}")
    found = {}
    for k, (word, (shape, part)) in enumerate(zip(words, shapes, strict=True)):
        if part and part not in word.split("/"):
            raise RefusedError(f"{place}: {word!a} is not of layer {part!a}"[:200])
        found[f"{name}/{k}"] = _array(h5py, file, f"{place}/{word}", tuple(shape))
    return found


def _check_all_named(h5py: Any, file: Any, asked: dict[str, Any]) -> None:
    """Refuse weights that no layer of the model asked for."""
    layers: Any = _at(h5py, file, "model_weights", h5py.Group, "a group")
    for name in layers:
        group: Any = None if name in asked else _found(h5py, layers, name)
        if isinstance(group, h5py.Group) and len(group.attrs.get("weight_names", ())):
            raise RefusedError(f"{ascii(name)[1:-1][:80]} belongs to no layer that computes")


def _group(h5py: Any, file: Any, place: str, asked: dict[str, Any]) -> dict[str, np.ndarray]:
    group = _at(h5py, file, place, h5py.Group, "a group")
    owner = _at(h5py, file, asked["owner"], h5py.Group, "a group").attrs.get("name", asked["name"])
    if owner != asked["name"]:
        raise RefusedError(f"{place} belongs to layer {ascii(owner)[:60]}, not {asked['name']!a}")
    if len(group) != len(asked["shapes"]):
        raise RefusedError(f"{place} has {len(group)} arrays, must have {len(asked['shapes'])}")
    return {
        f"{place}/{k}": _array(h5py, file, f"{place}/{k}", tuple(shape))
        for k, shape in enumerate(asked["shapes"])
    }


def _found(h5py: Any, file: Any, place: str) -> Any:
    """What lies at a place, along links that stay in the file; None if there is nothing."""
    found = file
    for name in place.split("/"):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            return None
        found = found[name]
    return found


def _at(h5py: Any, file: Any, place: str, kind: type, what: str) -> Any:
    """What lies at a place, which must be there and of this kind."""
    found = _found(h5py, file, place)
    if found is None:
        raise RefusedError(f"{place} is missing")
    if not isinstance(found, kind):
        raise RefusedError(f"{place} is not {what}")
    return found


def _array(h5py: Any, file: Any, place: str, shape: tuple[int, ...]) -> np.ndarray:
    found = _at(h5py, file, place, h5py.Dataset, "an array")
    if found.shape != shape:
        raise RefusedError(f"{place} has shape {found.shape}, must be {shape}")
    count = shape == () and found.dtype in (np.int32, np.int64)  # of a Normalization
    if found.dtype not in (np.float16, np.float32, np.float64) and not count:
        raise RefusedError(f"{place} has type {found.dtype}, allowed are float16, float32, float64")
    size = found.id.get_storage_size()
    if found.chunks or found.external or found.is_virtual or size != found.nbytes:
        raise RefusedError(f"{place} is not stored in one piece in the file")
    return found[()]


def _check_all_taken(h5py: Any, file: Any, asked: dict[str, Any], where: str, depth: int) -> None:
    """Refuse weights that no layer of the model asked for, those of inner models too."""
    if depth > DEEPEST:
        raise RefusedError(f"models within models: allowed are {DEEPEST}")
    for name in _at(h5py, file, where, h5py.Group, "a group"):
        for inside in WEIGHTS:
            place = f"{where}/{name}/{inside}"
            group = None if place in asked else _found(h5py, file, place)
            if group is not None and not (isinstance(group, h5py.Group) and not len(group)):
                raise RefusedError(f"{ascii(place)[1:-1][:80]} belongs to no layer")
        if isinstance(_found(h5py, file, f"{where}/{name}/layers"), h5py.Group):
            _check_all_taken(h5py, file, asked, f"{where}/{name}/layers", depth + 1)


def _limit(size: int, seconds: int) -> None:
    """Bound this process' memory and its time on a processor, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        most = used + SPARE + 6 * size
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def main() -> int:
    import h5py  # noqa: F401  its own memory is not the file's

    given = sys.stdin.buffer.read()
    (length,) = struct.unpack("<Q", given[:8])
    question, data = json.loads(given[8 : 8 + length]), given[8 + length :]
    del given
    _limit(len(data), int(sys.argv[1]))
    answer = io.BytesIO()
    try:
        np.savez(answer, allow_pickle=False, **arrays(data, question))
    except RefusedError as error:
        sys.stdout.write(" ".join(str(error).split()))
        return REFUSED
    except Exception as error:  # of h5py, on a file that is damaged
        sys.stdout.write(f"damaged ({' '.join(ascii(error).split())[:120]})")
        return REFUSED
    sys.stdout.buffer.write(answer.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
