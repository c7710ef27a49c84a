"""The register map as SystemRDL 2.0, from which other tools make headers, pages and models."""

from collections.abc import Iterator, Sequence

from rtl.axi.registers import WIDTH, Field, Register

SOFTWARE = {"ro": "r", "rw": "rw", "wo": "w"}
RESERVED = ("signed",)  # of the fields' names: these are escaped
HARDWARE = {"ro": "w", "rw": "rw", "wo": "r"}


def to_systemrdl(name: str, registers: Sequence[Register]) -> str:
    """An address map of this name."""
    lines = [f"addrmap {name} {{", '    name = "Registers of a core in AXI";']
    lines += [f"    default regwidth = {WIDTH};", "    littleendian;"]
    for register in registers:
        lines += [f"    {line}" for line in _register(register)]
    return "\n".join([*lines, "};", ""])


def _register(register: Register) -> Iterator[str]:
    yield "reg {"
    yield f"    desc = {_text(register.description)};"
    for field in register.fields:
        yield "    field {"
        yield from (f"        {line}" for line in _field(register, field))
        reset = "" if field.reset is None else f" = {field.reset & (1 << field.width) - 1:#x}"
        name = f"\\{field.name}" if field.name in RESERVED else field.name
        yield f"    }} {name}[{field.lsb + field.width - 1}:{field.lsb}]{reset};"
    yield f"}} {register.name} @ {register.offset:#04x};"


def _field(register: Register, field: Field) -> Iterator[str]:
    if field.description:
        yield f"desc = {_text(field.description)};"
    yield f"sw = {SOFTWARE[register.access]};"
    yield f"hw = {'na' if register.constant else HARDWARE[register.access]};"


def _text(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
