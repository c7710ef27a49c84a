"""PyTorch files: `.safetensors`, and `.pt` and `.pth` where torch is installed.

Tensors by name alone are read, by `state_dict`; a checkpoint may hold them under a key.
"""

import contextlib
import pickletools
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.files import unpacked
from golden.importers import check_file, check_size, network_name, shown
from golden.importers.state_dict import COUNT, from_tensors
from golden.network import Network
from golden.squash import Array

FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "params", "weights")
"""Under which checkpoints hold a state_dict among other things."""
PICKLE = 1 << 24  # bytes of a pickle that is looked at
HARMLESS = ("torch", "collections", "numpy")
WHOLE = "save the state_dict alone: torch.save(model.state_dict(), 'model.pt')"

NO_TORCH = (
    "reading .pt and .pth needs torch, which is not installed; where it is, write the weights with "
    "safetensors.torch.save_file(model.state_dict(), 'model.safetensors') and give that file"
)


def load_safetensors(path: Path, order: Sequence[str] = ()) -> Network:
    """Read a `.safetensors` file; `ModelError` names what is wrong or not supported."""
    from safetensors import SafetensorError, deserialize

    check_file(path)
    try:
        found = deserialize(path.read_bytes())
    except SafetensorError as error:
        raise ModelError(f"not a readable safetensors file ({first_line(error)})") from None
    found = [(name, tensor) for name, tensor in found if not name.endswith(COUNT)]
    for name, tensor in found:
        if tensor["dtype"] not in FLOATS:
            raise ModelError(
                f"{shown(name)}: type {tensor['dtype']}, allowed are {', '.join(FLOATS)}"
            )
    check_size(sum(len(tensor["data"]) // int(FLOATS[tensor["dtype"]][-1]) for _, tensor in found))
    tensors = {name: _decode(tensor) for name, tensor in found}
    return from_tensors(tensors, network_name(path), order)


def _decode(tensor: Mapping[str, Any]) -> Array:
    values = np.frombuffer(tensor["data"], FLOATS[tensor["dtype"]])
    if tensor["dtype"] == "BF16":  # the upper half of a float32
        values = (values.astype("<u4") << 16).view("<f4")
    with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused by name later
        return values.astype(np.float64).reshape(tensor["shape"])


def load_pt(path: Path, order: Sequence[str] = ()) -> Network:
    """Read a `.pt` or `.pth` file with torch, tensors only; `ModelError` says what is wrong."""
    check_file(path)
    _check_pickle(path)
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ModelError(NO_TORCH) from None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            check_size(sum(member.file_size for member in archive.infolist()) // 8)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on a broken or hostile file has no common base
        raise ModelError(
            f"not tensors by name that torch.load(weights_only=True) can read ({first_line(error)})"
        ) from None
    if not isinstance(found, Mapping):
        raise ModelError(f"holds a {type(found).__name__}, must hold a state_dict; {WHOLE}")
    for key in KEYS:
        if isinstance(found.get(key), Mapping):
            found = found[key]
    found = {name: value for name, value in found.items() if not str(name).endswith(COUNT)}
    dtypes = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ModelError(
                f"{shown(name)} is a {type(value).__name__}, must be a tensor; {WHOLE}"
            )
        if value.dtype not in dtypes or value.layout != torch.strided or value.is_meta:
            raise ModelError(
                f"{shown(name)}: type {value.dtype}, {value.layout}; must be dense float16, "
                "bfloat16, float32 or float64"
            )
    check_size(sum(value.numel() for value in found.values()))
    tensors = {name: value.detach().to(torch.float64).numpy() for name, value in found.items()}
    return from_tensors(tensors, network_name(path), order)


def _check_pickle(path: Path) -> None:
    """Refuse a whole model by its class, which its pickle names; nothing of it is executed."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith("/data.pkl") or member.file_size > PICKLE:
                continue
            for name in _classes(unpacked(archive, member)):
                if name.startswith("torch.nn.") or name.split(".")[0] not in HARMLESS:
                    raise ModelError(
                        f"holds a whole model (class {shown(name)}), which is a program; {WHOLE}"
                    )


def _classes(data: bytes) -> list[str]:
    """What a pickle would look up, as far as it can be followed."""
    found = []
    with contextlib.suppress(ValueError):  # torch says what is wrong with it
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "GLOBAL":
                found.append(str(argument).replace(" ", "."))
    return found


def first_line(error: Exception) -> str:
    """The first sentence of what another package says of an error, printable and not long."""
    text = "".join(c if c.isprintable() else " " for c in str(error)).split(". ")[0]
    return " ".join(text.split())[:120] or type(error).__name__
