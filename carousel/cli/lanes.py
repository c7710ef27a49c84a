"""How many lanes the core of a command has."""

import typer

from fixedpoint import QuantizedNetwork
from rtl import CoreOptions, allowed_lanes
from rtl.options import USUAL
from rtl.usual import usual_lanes


def usual(lanes: int | None, qnet: QuantizedNetwork, options: CoreOptions = USUAL) -> int:
    """Those that were asked for; else the usual ones."""
    return usual_lanes(qnet, options) if lanes is None else lanes


def chosen(lanes: int | None, qnet: QuantizedNetwork, options: CoreOptions = USUAL) -> int:
    """The same, said where none were asked for and the network could use more."""
    found = usual(lanes, qnet, options)
    if lanes is None:
        say(found, qnet)
    return found


def say(lanes: int, qnet: QuantizedNetwork, why: str = "") -> None:
    """That lanes were chosen, where the network could use more."""
    most = allowed_lanes(qnet)[-1]
    if lanes < most:
        typer.echo(f"Lanes  {lanes}, chosen{why}; --lanes takes up to {most}")
