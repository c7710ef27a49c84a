"""The command line. Every command loads, calls a package, shows a table and sets the exit status.

Status 0: all that was checked holds. 1: something does not. 2: a user's error, said in one line.
"""

import typer

from carousel.build import build
from carousel.cli.errors import OneLineGroup
from carousel.compare.command import compare
from carousel.experiments.command import experiments
from carousel.export import export
from carousel.figure.command import figure
from carousel.hold.command import hold
from carousel.inspect.command import inspect
from carousel.page.command import page
from carousel.prove import prove
from carousel.quantize.command import quantize
from carousel.run.command import run
from carousel.search.command import search
from carousel.simulate import simulate
from carousel.stream import stream
from carousel.train import train
from carousel.verilog import verilog

COMMANDS = (
    run,
    train,
    inspect,
    quantize,
    simulate,
    compare,
    hold,
    search,
    verilog,
    build,
    stream,
    prove,
    experiments,
    export,
    figure,
    page,
)

app = typer.Typer(
    name="carousel",
    cls=OneLineGroup,
    help="Take a trained LSTM, give back an FPGA core that is checked bit for bit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """What the `carousel` program calls."""
    app()
