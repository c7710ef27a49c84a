"""One layer of a Keras model, as its configuration has it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers import shown
from golden.squash import Array


@dataclass(frozen=True)
class KerasLayer:
    """One layer of the model.

    Attributes
    ----------
    kind, name, options : its class, its name, its configuration.
    group : its place in the HDF5 file.
    inner : the forward and the backward LSTM of a Bidirectional; the layers of a model.
    owner : the layer of the outermost model that it is in; its own name, unless it is within one.
    place : where it stands in the configuration, model by model, layer by layer.
    sources : the numbers of the layers that it reads; () of an InputLayer.
    """

    kind: str
    name: str
    options: dict[str, Any]
    group: str = ""
    inner: tuple["KerasLayer", ...] = ()
    owner: str = ""
    place: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()

    @property
    def lstms(self) -> tuple["KerasLayer", ...]:
        """The LSTMs that it is: one, two, or none."""
        if self.kind == "LSTM":
            return (self,)
        return self.inner if self.kind == "Bidirectional" else ()

    def flag(self, option: str) -> bool:
        """An option that is off unless it is said."""
        return self.options.get(option) is True

    def number(self, option: str) -> int:
        value = self.options.get(option)
        if type(value) is not int or value < 1:
            raise self.error(f"{option} {shown(value)} must be a whole number, at least 1")
        return value

    def real(self, option: str) -> float:
        value = self.options.get(option, 0.0)
        if type(value) not in (int, float) or not np.isfinite(value):
            raise self.error(f"{option} {shown(value)} must be a number")
        return float(value)

    def reals(self, option: str, count: int) -> Array:
        """An option of nested lists of so many numbers, or of one for all."""
        try:
            found = np.array(self.options.get(option), dtype=np.float64).reshape(-1)
        except (TypeError, ValueError, OverflowError):
            found = np.empty(0)
        if len(found) not in (1, count) or not np.isfinite(found).all():
            raise self.error(f"{option}: must be {count} numbers")
        return np.broadcast_to(found, (count,))

    @property
    def title(self) -> str:
        """How stages call it."""
        return f"{self.kind} {shown(self.name)}"

    def __str__(self) -> str:
        """How it was read."""
        kind = [word for word in ("go_backwards", "stateful") if self.flag(word)]
        return f"{self.kind} {shown(self.name)}" + (f" ({', '.join(kind)})" if kind else "")

    def error(self, text: str) -> ModelError:
        return ModelError(f"{self.kind} {shown(self.name)}: {text}")


def as_object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{what}: {shown(value)}, must be a JSON object")
    return value


def as_list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ModelError(f"{what}: {shown(value)}, must be a list")
    return value
