"""Number formats, and the set of them that turns a float network into an integer one.

A format is written `s16.12` (signed, 16 bits, 12 of them fraction bits) or `u15.14` (unsigned).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes, nearest, outside, saturate
from golden.arrays import UNREADABLE, reason
from golden.errors import CarouselError
from golden.files import check_readable, replacing
from golden.wiring import labels

WIDEST = 32
MOST_COARSER = 15
MOST_TEXT = 1 << 23  # characters of a file; a row of a network takes some 10
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
        """The format of `width` bits with the most fraction bits that still holds +-`largest`.

        Raises
        ------
        FormatError : no format of so many bits does.
        """
        if not largest > 0:
            largest = 1.0
        widest = cls(width, -WIDEST, signed)
        if not widest.holds(largest):
            most = widest.high * widest.lsb
            raise FormatError(f"values of up to {largest:g}: {width} bits hold at most {most:.3g}")
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
        them up. With a projection also those of m, whose sum is one of its own. They are those of
        a row that is not coarser.
    gate : i, f, o; unsigned, 1.0 is a code of its own.
    g, h : squashed cell input and squashed state.
    s, y : state and the layer's output.
    m : cell output before a projection, else None.
    coarser : by kind of row (i, f, o, g, and y of a projection) how many fraction bits fewer the
        weights of each row have, 0 to `MOST_COARSER`; a kind that is not there has none. A row's
        sum of products is shifted by as much to the common scale.
    """

    weights: Mapping[str, Format]
    gate: Format
    g: Format
    h: Format
    s: Format
    y: Format
    m: Format | None = None
    coarser: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    @property
    def cell_output(self) -> Format:
        """The format of o h(s): m, or y without a projection."""
        return self.m or self.y

    @property
    def state(self) -> dict[str, Format]:
        """The formats of what the layer remembers between steps, by part of a `LayerState`."""
        return {"s": self.s, "y": self.y, "gates": self.gate}

    def signal(self, name: str) -> Format:
        """The format of a trace's signal: i, f, o, g, s, m or y."""
        return self.gate if name in ("i", "f", "o") else getattr(self, name)


@dataclass(frozen=True)
class DenseFormats:
    """Formats of a dense stage: its weights, its outputs, and how much coarser each row is."""

    weights: Format
    out: Format
    coarser: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Formats:
    """Every format of a network.

    Attributes
    ----------
    input : x of the first layer.
    argument : the pre-activation as the sigma table reads it.
    sigma : sigma's value as the table gives it, unsigned; gates, g and h are derived from it.
    layers, head, stem : see there.
    inputs : fraction bits of each element of x, whose width is that of `input`; empty where all
        have those of `input`.
    """

    input: Format
    argument: Format
    sigma: Format
    layers: tuple[LayerFormats, ...]
    head: tuple[DenseFormats, ...] = ()
    inputs: tuple[int, ...] = ()
    stem: tuple[DenseFormats, ...] = ()

    def __repr__(self) -> str:
        states = ", ".join(str(layer.s) for layer in self.layers)
        return (
            f"Formats(input {self.input}, argument {self.argument}, sigma {self.sigma}, s {states})"
        )

    @property
    def elements(self) -> tuple[Format, ...]:
        """The format of each element of x; only one where all have the same."""
        return tuple(replace(self.input, frac=frac) for frac in self.inputs) or (self.input,)

    @property
    def scales(self) -> Codes:
        """By how many powers of two each element of x is scaled to have the format `input`; (1,)
        where all are alike."""
        return np.array([form.frac - self.input.frac for form in self.elements])

    @property
    def aligned(self) -> bool:
        """Whether a row anywhere is coarser than others."""
        rows = [each for layer in self.layers for each in layer.coarser.values()]
        return any(map(any, (*rows, *(stage.coarser for stage in (*self.stem, *self.head)))))

    @property
    def readout(self) -> DenseFormats | None:
        """Those of the last dense stage, if there is one."""
        return self.head[-1] if self.head else None

    def text(self) -> str:
        """All of them, for digests: a network keeps its digest from version to version."""
        first = f"input={self.input!r}, argument={self.argument!r}, sigma={self.sigma!r}"
        stages = [f"ReadoutFormats(weights={d.weights!r}, out={d.out!r})" for d in self.head]
        found = f"Formats({first}, layers={self.layers!r}, readout={', '.join(stages) or None})"
        rows = (
            [each.coarser for each in (*self.layers, *self.head, *self.stem)]
            if self.aligned
            else []
        )
        found += f", stem={self.stem!r}" if self.stem else ""
        return found + (f", inputs={self.inputs}, coarser={rows}" if self.inputs or rows else "")

    def encode(self, x: Any) -> tuple[Codes, int]:
        """Real inputs (..., D) to int64 codes, and how many saturated."""
        return self.input.encode(np.ldexp(x, self.scales))

    def decode(self, codes: Codes) -> np.ndarray:
        """Codes of inputs (..., D) to the real values they stand for, float64, exact."""
        return np.ldexp(self.input.decode(codes), -self.scales)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, formats as text; without what is empty."""
        found = asdict(self, dict_factory=_plain)
        *dense, found["readout"] = found.pop("head") or [None]
        lists = {"stem": found.pop("stem"), "dense": dense}
        return found | {name: stages for name, stages in lists.items() if stages}

    def dump(self, path: str | Path) -> None:
        """Write as JSON, formats as text; `FormatError` for a place that cannot be written."""
        text = json.dumps(self.as_dict(), indent=2) + "\n"
        with replacing(Path(path), FormatError) as beside:
            beside.write_text(text, encoding="utf-8")

    @classmethod
    def parse(cls, path: str | Path) -> "Formats":
        """Read what `dump` wrote; `FormatError` names the file and what is wrong."""
        check_readable(path := Path(path), FormatError)
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(MOST_TEXT + 1)
            if len(text) > MOST_TEXT:
                raise FormatError(f"more than {MOST_TEXT} characters, no formats file is as long")
            data = json.loads(text)
            names = ["input", "argument", "sigma", "layers", "readout"]
            if isinstance(data, dict):
                names += [name for name in ("stem", "dense", "inputs") if name in data]
            values = dict(zip(names, _take("formats", data, names), strict=True))
            stages = [values.pop("stem", []), values.pop("dense", []), values.pop("layers")]
            for name, found in zip(("stem", "dense", "layers"), stages, strict=True):
                if not isinstance(found, list):
                    raise FormatError(f"{name}: must be a list")
            stem, dense, layers = stages
            readout, inputs = values.pop("readout"), values.pop("inputs", [])
            if readout is not None:
                dense = [*dense, readout]
            elif dense:
                raise FormatError("dense: without a readout behind it")
            return cls(
                **{name: Format.parse(text) for name, text in values.items()},
                layers=tuple(_layer(f"layer {k}", layer) for k, layer in enumerate(layers)),
                head=tuple(map(_dense, labels(len(dense)), dense)),
                inputs=_whole("inputs", inputs, -WIDEST, 2 * WIDEST),
                stem=tuple(map(_dense, labels(0, len(stem)), stem)),
            )
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        except FileNotFoundError:
            raise FormatError(f"{path}: no such file") from None
        except UNREADABLE as error:
            raise FormatError(f"{path}: not a readable formats file ({reason(error)})") from None


def _take(where: str, data: Any, names: Sequence[str]) -> list[Any]:
    """The values of a JSON object that must have these names and no others."""
    if not isinstance(data, dict) or set(data) != set(names):
        have = ", ".join(data) if isinstance(data, dict) else type(data).__name__
        raise FormatError(f"{where}: has {have or 'nothing'}, must have {', '.join(names)}")
    return [data[name] for name in names]


def _layer(where: str, data: Any) -> LayerFormats:
    names = [field.name for field in fields(LayerFormats)]
    if isinstance(data, dict):
        data = {"m": None, "coarser": {}, **data}  # what older files do not have
    weights, *signals, m, coarser = _take(where, data, names)
    for name, found in (("weights", weights), ("coarser", coarser)):
        if not isinstance(found, dict):
            raise FormatError(f"{where} {name}: must be an object")
    found = [Format.parse(text) for text in signals]
    return LayerFormats(
        {source: Format.parse(text) for source, text in weights.items()},
        *found,
        m=None if m is None else Format.parse(m),
        coarser={
            kind: _whole(f"{where} coarser {kind}", bits, 0, MOST_COARSER)
            for kind, bits in coarser.items()
        },
    )


def _dense(where: str, data: Any) -> DenseFormats:
    names = ["weights", "out"]
    if isinstance(data, dict) and "coarser" in data:
        names.append("coarser")
    weights, out, *coarser = _take(where, data, names)
    bits = _whole(f"{where} coarser", coarser[0], 0, MOST_COARSER) if coarser else ()
    return DenseFormats(Format.parse(weights), Format.parse(out), bits)


def _whole(where: str, data: Any, low: int, high: int) -> tuple[int, ...]:
    """Whole numbers of a list, each from `low` to `high`."""
    if not isinstance(data, list):
        raise FormatError(f"{where}: must be a list")
    for number in data:
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise FormatError(f"{where} {number!r:.20}: must be a whole number, {low} to {high}")
    return tuple(data)


def _plain(items: list[tuple[str, Any]]) -> Any:
    found = {name: value for name, value in items if value or name not in ("inputs", "coarser")}
    return str(Format(**found)) if found.keys() == {"width", "frac", "signed"} else found
