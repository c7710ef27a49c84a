"""The comment at the head of the Verilog: what somebody who finds the file alone must know."""

import hashlib
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from golden.version import VERSION

END = "// " + "-" * 77 + "\n"


def header(about: dict[str, Any], logic: str) -> str:
    """The comment, which ends with a line of its own kind.

    Parameters
    ----------
    about : the core as `rtl.verilog.describe` gives it.
    logic : all that will stand below the comment.
    """
    return "".join(f"{line}\n".replace(" \n", "\n") for line in _lines(about, logic)) + END


def logic(text: str) -> str:
    """What stands below the header of a Verilog file: its identity.

    The header names the version that wrote the file, which changes nothing of what it does.
    """
    head, end, rest = text.partition(END)
    return rest if end else head


def digest(text: str) -> str:
    """SHA-256 of a Verilog file's logic."""
    return hashlib.sha256(logic(text).encode()).hexdigest()


def _lines(about: dict[str, Any], below: str) -> Iterator[str]:
    yield f"// {about['module']}, written by carousel {VERSION}."
    yield "//"
    for way in ("input", "output"):
        side = about[way]
        yield f"// {way.capitalize():8} {side['elements']} a vector, {form(side['format'])}"
        if own := side.get("fraction_bits"):
            yield from (f"//          {line}" for line in _elements(own))
    yield f"// Outputs  {_outputs(about)}"
    yield f"// Time     {_time(about)}"
    yield "// Logic    SHA-256 of all below this comment, memories' contents included:"
    yield f"//          {digest(below)}"
    yield "//"
    yield "// Port                 Direction  Width  Sign      Meaning"
    for port in about["ports"]:
        sign = "signed" if port["signed"] else "" if port["width"] == 1 else "unsigned"
        columns = f"{port['name']:20} {port['direction']:9} {port['width']:6}  {sign:9}"
        yield f"// {columns} {port['meaning']}"


def form(shown: dict[str, Any]) -> str:
    """A format in words, of what the JSON says of it."""
    sign = "two's complement" if shown["signed"] else "unsigned"
    bits = f"{shown['width']} bits, {shown['fraction_bits']} of them after the point"
    return f"{shown['format']}: {sign}, {bits}"


def _elements(fractions: Sequence[int]) -> list[str]:
    """Fraction bits of every element, in lines."""
    shown = " ".join(map(str, fractions))
    return wrap(f"with fraction bits of its own each, from element 0 on: {shown}", 79)


def _outputs(about: dict[str, Any]) -> str:
    return {
        "every": "of every step",
        "last": "of the last step of each sequence",
        "final": "of the last step of each sequence in each direction",
    }[about["output"]["steps"]]


def _time(about: dict[str, Any]) -> str:
    steady = f"{about['cycles_per_step']} clocks a step in the steady state"
    if "skip" in about:
        skips = about["skip"]
        steady = f"{about['cycles_per_step']} clocks a step at most, and {skips['least_cycles']}"
        steady += f" where no column is active: those of {skips['what']} values take none"
    if "latency_cycles" not in about:
        return f"{steady}; sequences of up to {about['max_length']} steps are held"
    return f"{steady}; {about['latency_cycles']} from a vector's last element to the first output"
