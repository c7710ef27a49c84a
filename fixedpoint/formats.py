"""Number formats, and the set of them that turns a float network into an integer one.

A format is written `s16.12` (signed, 16 bits, 12 of them fraction bits) or `u15.14` (unsigned).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes, nearest, outside, saturate
from golden.dense import labels
from golden.errors import CarouselError
from golden.files import replacing

WIDEST = 32
WRITTEN = re.compile(r"([su])([0-9]{1,3})\.(-?[0-9]{1,3})")


class FormatError(CarouselError):
    """A format, or a combination of formats, that the arithmetic cannot honour."""


@dataclass(frozen=True)
class Format:
    """A two's complement (or unsigned) code of `width` bits that stands for code * 2^-frac."""

    width: int
    frac: int
    signed: bool = True

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("width", self.width, 2, WIDEST),
            ("fraction bits", self.frac, -WIDEST, 2 * WIDEST),
        ):
            if not isinstance(value, int) or not low <= value <= high:
                raise FormatError(
                    f"format {self}: {name} {value!r}, must be a whole number from {low} to {high}"
                )

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}.{self.frac}"

    @classmethod
    def parse(cls, text: Any) -> "Format":
        """The format that `str` wrote, such as `s16.12`; `FormatError` for anything else."""
        match = WRITTEN.fullmatch(text) if isinstance(text, str) else None
        if not match:
            raise FormatError(f"format {text!r:.40}: must look like s16.12 or u15.14")
        kind, width, frac = match.groups()
        return cls(int(width), int(frac), kind == "s")

    @property
    def low(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.width - int(self.signed))) - 1

    @property
    def lsb(self) -> float:
        return 2.0**-self.frac

    @property
    def one(self) -> int:
        """The code of 1.0 (may lie outside the format)."""
        return round(2.0**self.frac)

    @property
    def magnitude(self) -> int:
        """The largest absolute value of a code."""
        return max(-self.low, self.high)

    def holds(self, value: float) -> bool:
        return self.low <= value * 2.0**self.frac <= self.high

    def encode(self, values: Any) -> tuple[Codes, int]:
        """Real values to int64 codes (nearest, ties up, saturated) and how many saturated."""
        codes = nearest(np.asarray(values, dtype=np.float64) * 2.0**self.frac)
        return saturate(codes, self.low, self.high).astype(np.int64), outside(
            codes, self.low, self.high
        )

    def decode(self, codes: Codes) -> np.ndarray:
        """Codes to the real values they stand for, float64, exact."""
        return np.asarray(codes, dtype=np.float64) * self.lsb

    @classmethod
    def fitting(cls, width: int, largest: float, signed: bool = True) -> "Format":
        """The format of `width` bits with the most fraction bits that still holds +-`largest`."""
        if not largest > 0:
            largest = 1.0
        frac = min(width - int(signed) - math.ceil(math.log2(largest)), 2 * WIDEST)
        while not cls(width, frac, signed).holds(largest):
            frac -= 1
        return cls(width, frac, signed)


@dataclass(frozen=True)
class LayerFormats:
    """Formats of one layer.

    Attributes
    ----------
    weights : by source (x, y; gates with gate recurrence; s with peepholes). weight fraction +
        source fraction is the same for all, the fraction of the accumulator, so that one sum adds
        them up. With a projection also those of m, whose sum is one of its own.
    gate : i, f, o; unsigned, 1.0 is a code of its own.
    g, h : squashed cell input and squashed state.
    s, y : state and the layer's output.
    m : cell output before a projection, else None.
    """

    weights: Mapping[str, Format]
    gate: Format
    g: Format
    h: Format
    s: Format
    y: Format
    m: Format | None = None

    @property
    def cell_output(self) -> Format:
        """The format of o h(s): m, or y without a projection."""
        return self.m or self.y

    def signal(self, name: str) -> Format:
        """The format of a trace's signal: i, f, o, g, s, m or y."""
        return self.gate if name in ("i", "f", "o") else getattr(self, name)


@dataclass(frozen=True)
class DenseFormats:
    """Formats of a dense stage: its weights and its outputs."""

    weights: Format
    out: Format


@dataclass(frozen=True)
class Formats:
    """Every format of a network.

    Attributes
    ----------
    input : x of the first layer.
    argument : the pre-activation as the sigma table reads it.
    sigma : sigma's value as the table gives it, unsigned; gates, g and h are derived from it.
    layers, head : see there.
    """

    input: Format
    argument: Format
    sigma: Format
    layers: tuple[LayerFormats, ...]
    head: tuple[DenseFormats, ...] = ()

    @property
    def readout(self) -> DenseFormats | None:
        """Those of the last dense stage, if there is one."""
        return self.head[-1] if self.head else None

    def text(self) -> str:
        """All of them, for digests: a network keeps its digest from version to version."""
        first = f"input={self.input!r}, argument={self.argument!r}, sigma={self.sigma!r}"
        stages = [f"ReadoutFormats(weights={d.weights!r}, out={d.out!r})" for d in self.head]
        return f"Formats({first}, layers={self.layers!r}, readout={', '.join(stages) or None})"

    def as_dict(self) -> dict[str, Any]:
        """For JSON, formats as text; dense stages before the readout only where there are any."""
        found = asdict(self, dict_factory=_plain)
        *dense, found["readout"] = found.pop("head") or [None]
        return found | ({"dense": dense} if dense else {})

    def dump(self, path: str | Path) -> None:
        """Write as JSON, formats as text; `FormatError` for a place that cannot be written."""
        text = json.dumps(self.as_dict(), indent=2) + "\n"
        with replacing(Path(path), FormatError) as beside:
            beside.write_text(text, encoding="utf-8")

    @classmethod
    def parse(cls, path: str | Path) -> "Formats":
        """Read what `dump` wrote; `FormatError` names the file and what is wrong."""
        try:
            data = json.loads(Path(path).read_text())
            names = ["input", "argument", "sigma", "layers", "readout"]
            if isinstance(data, dict):
                names += ["dense"] if "dense" in data else []
            values = dict(zip(names, _take("formats", data, names), strict=True))
            stages = [values.pop("dense", []), values.pop("layers")]
            for name, found in zip(("dense", "layers"), stages, strict=True):
                if not isinstance(found, list):
                    raise FormatError(f"{name}: must be a list")
            dense, layers = stages
            readout = values.pop("readout")
            if readout is not None:
                dense = [*dense, readout]
            elif dense:
                raise FormatError("dense: without a readout behind it")
            return cls(
                **{name: Format.parse(text) for name, text in values.items()},
                layers=tuple(_layer(f"layer {k}", layer) for k, layer in enumerate(layers)),
                head=tuple(
                    DenseFormats(*map(Format.parse, _take(label, stage, ("weights", "out"))))
                    for label, stage in zip(labels(len(dense)), dense, strict=True)
                ),
            )
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        except FileNotFoundError:
            raise FormatError(f"{path}: no such file") from None
        except (OSError, ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise FormatError(f"{path}: not a readable formats file ({reason})") from None


def _take(where: str, data: Any, names: Sequence[str]) -> list[Any]:
    """The values of a JSON object that must have these names and no others."""
    if not isinstance(data, dict) or set(data) != set(names):
        have = ", ".join(data) if isinstance(data, dict) else type(data).__name__
        raise FormatError(f"{where}: has {have or 'nothing'}, must have {', '.join(names)}")
    return [data[name] for name in names]


def _layer(where: str, data: Any) -> LayerFormats:
    names = [field.name for field in fields(LayerFormats)]
    if isinstance(data, dict):
        data = {"m": None, **data}  # files from before there were projections have none
    weights, *signals, m = _take(where, data, names)
    if not isinstance(weights, dict):
        raise FormatError(f"{where} weights: must be an object of formats by source")
    found = [Format.parse(text) for text in signals]
    return LayerFormats(
        {source: Format.parse(text) for source, text in weights.items()},
        *found,
        m=None if m is None else Format.parse(m),
    )


def _plain(items: list[tuple[str, Any]]) -> Any:
    found = dict(items)
    return str(Format(**found)) if found.keys() == {"width", "frac", "signed"} else found
