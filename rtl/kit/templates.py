"""Instances of a core to copy: in Verilog, and in VHDL with its component declaration."""

from collections.abc import Sequence
from typing import Any

Port = dict[str, Any]


def verilog(about: dict[str, Any]) -> str:
    """Wires for all ports, and the instance."""
    module, ports = about["module"], about["ports"]
    wide = max(len(_range(port)) for port in ports)
    lines = [f"// An instance of {module}, to copy; regs or wires as your design has them.", ""]
    lines += [f"wire {_range(port):{wide}} {port['name']};  // {_note(port)}" for port in ports]
    longest = max(len(port["name"]) for port in ports)
    places = [f"    .{port['name']:{longest}} ({port['name']})" for port in ports]
    return "\n".join([*lines, "", f"{module} {module}_0 (", ",\n".join(places), ");", ""])


def vhdl(about: dict[str, Any]) -> str:
    """The component declaration, signals for all ports, and the instance.

    Buses are std_logic_vector, which every tool takes at the border to Verilog; comments say which
    are signed.
    """
    module, ports = about["module"], about["ports"]
    longest = max(len(port["name"]) for port in ports)
    places = ",\n".join(f"    {port['name']:{longest}} => {port['name']}" for port in ports)
    lines = [
        f"-- A component and an instance of {module}, to copy.",
        "",
        f"component {module} is",
        "  port (",
        *_declared(ports, longest),
        "  );",
        "end component;",
        "",
        *(f"signal {port['name']:{longest}} : {_type(port)};" for port in ports),
        "",
        f"{module}_0 : {module}",
        "  port map (",
        places,
        "  );",
        "",
    ]
    return "\n".join(lines)


def _declared(ports: Sequence[Port], longest: int) -> list[str]:
    kinds = [_type(port) for port in ports]
    ends = [";"] * (len(ports) - 1) + [""]
    return [
        f"    {port['name']:{longest}} : {'in ' if port['direction'] == 'input' else 'out'} "
        f"{kind}{end}  -- {_note(port)}"
        for port, kind, end in zip(ports, kinds, ends, strict=True)
    ]


def _type(port: Port) -> str:
    width = port["width"]
    return "std_logic" if width == 1 else f"std_logic_vector({width - 1} downto 0)"


def _range(port: Port) -> str:
    sign = "signed " if port["signed"] else ""
    return f"{sign}[{port['width'] - 1}:0]" if port["width"] > 1 else sign.rstrip()


def _note(port: Port) -> str:
    return f"{port['direction']}{', signed' if port['signed'] else ''}: {port['meaning']}"
