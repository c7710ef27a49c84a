"""How many lanes the core of a command has."""

from dataclasses import replace

import typer

from fixedpoint import QuantizedNetwork
from rtl import CoreOptions, allowed_lanes
from rtl.usual import usual_lanes


def usual(qnet: QuantizedNetwork, options: CoreOptions) -> CoreOptions:
    """The options as they are; where they say no lanes, with the usual ones."""
    if options.lanes is not None:
        return options
    return replace(options, lanes=usual_lanes(qnet, options))


def chosen(asked: int | None, qnet: QuantizedNetwork, skip: str | None = None) -> int | None:
    """The lanes that were asked for; else the usual ones, which is said."""
    lanes = usual(qnet, CoreOptions(asked, skip=skip)).lanes
    say(asked, lanes, qnet)
    return lanes


def say(asked: int | None, lanes: int | None, qnet: QuantizedNetwork, why: str = "") -> None:
    """Where none were asked for, and the network could use more: that these were chosen."""
    most = allowed_lanes(qnet)[-1]
    if asked is None and lanes is not None and lanes < most:
        typer.echo(f"Lanes  {lanes}, chosen{why}; --lanes takes up to {most}")
