"""The command line. Every command loads, calls a package, shows a table and sets the exit status.

Status 0: all that was checked holds. 1: something does not. 2: a user's error, said in one line.
"""

import logging
import sys
from typing import Annotated

import typer

from carousel.cli.group import CommandGroup
from carousel.cli.own import foreign
from carousel.cli.streams import checked

COMMANDS = {
    "run": "carousel.run.command",
    "train": "carousel.train",
    "inspect": "carousel.inspect.command",
    "quantize": "carousel.quantize.command",
    "simulate": "carousel.simulate",
    "compare": "carousel.compare.command",
    "hold": "carousel.hold.command",
    "search": "carousel.search.command",
    "verilog": "carousel.verilog",
    "build": "carousel.build",
    "load": "carousel.load",
    "stream": "carousel.stream",
    "prove": "carousel.prove",
    "experiments": "carousel.experiments.command",
    "export": "carousel.export",
    "figure": "carousel.figure.command",
    "page": "carousel.page.command",
}
"""The module of each command, imported when it is called; its function bears the command's name."""


class Carousel(CommandGroup):
    """The commands of Carousel, in the order in which `--help` lists them."""

    modules = COMMANDS


app = typer.Typer(
    name="carousel",
    cls=Carousel,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from golden.version import VERSION

        typer.echo(f"carousel {VERSION}")
        raise typer.Exit


@app.callback()
def carousel(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Take a trained LSTM, give back an FPGA core that is checked bit for bit."""


def main() -> None:
    """What the `carousel` program calls."""
    if wrong := foreign():
        print(f"carousel: {wrong}", file=sys.stderr)
        sys.exit(2)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it remarks on folders of its own
    with checked():
        app()
