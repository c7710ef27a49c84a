"""Registers as a table: the one description that gateware, Markdown and JSON are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 32
BYTES = WIDTH // 8
ADDRESS_WIDTH = 8  # of a byte address


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Attributes
    ----------
    lsb, width : its lowest bit in the register, and how many bits it has.
    reset : what it reads after a reset; None where that is not known.
    signed : whether it is two's complement.
    """

    name: str
    lsb: int
    width: int
    reset: int | None
    description: str
    signed: bool = False

    @property
    def bits(self) -> str:
        """As `high:low`, or the one bit."""
        high = self.lsb + self.width - 1
        return f"{high}:{self.lsb}" if self.width > 1 else f"{self.lsb}"


@dataclass(frozen=True)
class Register:
    """A register of 32 bits; bits of no field read 0 and take what is written for nothing.

    Attributes
    ----------
    offset : in bytes, a multiple of 4.
    access : "ro", "rw" or "wo".
    fields : from the lowest bit up.
    constant : it always reads as after a reset.
    """

    name: str
    offset: int
    access: str
    description: str
    fields: tuple[Field, ...]
    constant: bool = False

    def __post_init__(self) -> None:
        assert self.access in ("ro", "rw", "wo"), f"{self.name}: access {self.access}"
        assert self.offset % BYTES == 0, f"{self.name}: offset {self.offset}"
        ends = [0]
        for field in self.fields:
            assert field.lsb >= ends[-1], f"{self.name}.{field.name} lies over another field"
            ends.append(field.lsb + field.width)
        assert ends[-1] <= WIDTH, f"{self.name}: {ends[-1]} bits"

    @property
    def port(self) -> str:
        """What gateware calls it."""
        return self.name.lower()

    @property
    def readable(self) -> bool:
        return "r" in self.access

    @property
    def writable(self) -> bool:
        return "w" in self.access

    @property
    def reset(self) -> int:
        """The whole word after a reset; what is not known counts as 0."""
        return sum(
            ((field.reset or 0) & ((1 << field.width) - 1)) << field.lsb for field in self.fields
        )


def whole(
    name: str, offset: int, access: str, description: str, reset: int | None = 0, **options: bool
) -> Register:
    """A register of one field; options of `Field` (signed) and `Register` (constant)."""
    field = Field("value", 0, WIDTH, reset, description, options.pop("signed", False))
    return Register(name, offset, access, description, (field,), **options)


def to_json(name: str, registers: Sequence[Register]) -> dict[str, Any]:
    """A register map as data, ready for JSON."""
    return {
        "name": name,
        "data_width": WIDTH,
        "address_width": ADDRESS_WIDTH,
        "registers": [
            {**vars(register), "fields": [vars(field) for field in register.fields]}
            for register in registers
        ],
    }


def to_markdown(name: str, registers: Sequence[Register]) -> str:
    """A register map for readers: a row a register, and one for each of its fields."""
    lines = [
        f"# Registers of `{name}`",
        "",
        f"{WIDTH} bits each, {ADDRESS_WIDTH} bits of address, little endian; ro is read "
        "only, wo write only. Bits that are not listed read 0.",
        "",
        "| offset | register | access | bits | field | reset | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for register in registers:
        place = f"| `0x{register.offset:02X}` | `{register.name}` | {register.access} |"
        rows = [_row(field) for field in register.fields]
        if any(field.width == WIDTH for field in register.fields):
            lines.append(f"{place} {rows[0]} |")
        else:
            lines.append(f"{place} | | | {register.description} |")
            lines += [f"| | | | {row} |" for row in rows]
    return "\n".join(lines) + "\n"


def _row(field: Field) -> str:
    large = field.reset is not None and field.reset >= 1 << 16
    reset = "unknown" if field.reset is None else f"{field.reset:#010x}" if large else field.reset
    return f"{field.bits} | {field.name} | {reset} | {field.description}"
