"""The options that commands share, each with its default said in --help."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carousel.cli.inputs import SEQUENCES
from golden.modelfile import SUFFIXES

MODELS = Path(__file__).parents[1] / "models"


class Rounding(StrEnum):
    """How weights become codes."""

    NEAREST = "nearest"
    DATA = "data"


def shipped(model: Path) -> Path:
    """The model file that is meant: a shipped one can be named without folder and ending."""
    place = MODELS / f"{model}.npz"
    known = place.parent == MODELS and os.path.isfile(place)
    return place if known and not os.path.exists(model) else model


Model = Annotated[
    Path,
    typer.Argument(
        callback=shipped,
        help=f"Model file ({', '.join(SUFFIXES)}), or the name of a shipped model.",
        show_default=False,
    ),
]
Order = Annotated[
    str | None,
    typer.Option(
        "--order",
        metavar="NAMES",
        help="Of a PyTorch state_dict: its modules in the order in which they compute, with commas "
        "between.",
        show_default="an nn.LSTM, then an nn.Linear",
    ),
]
Decide = Annotated[
    bool,
    typer.Option(
        "--decide",
        help="The core gives the index of the largest output, ties to the lowest, in the place of "
        "all outputs.  [default: off]",
    ),
]
Bits = Annotated[
    int, typer.Option(help="Width of weights, x and y when formats are chosen; the rest is wider.")
]
StateBits = Annotated[
    int | None,
    typer.Option(
        help="Width of states when formats are chosen.",
        show_default="18, or what makes their LSB finer than that of y",
    ),
]
Headroom = Annotated[
    float,
    typer.Option(
        help="How many times what was seen of inputs, states and linear values there is room for "
        "when formats are chosen."
    ),
]
Round = Annotated[
    Rounding,
    typer.Option(
        "--round",
        help="How weights become codes: each to the nearest; or one after the other, the error of "
        "each carried into those still to come, so that sums change least on this input (data). "
        "These weights are written as a model file (.npz) beside the formats.",
    ),
]
Formats = Annotated[
    Path | None,
    typer.Option(
        "--formats",
        help="Formats file to use, as `carousel quantize` writes it.",
        show_default="chosen from the input and --bits",
    ),
]
Lanes = Annotated[
    int | None,
    typer.Option(
        help="Multipliers side by side.",
        show_default="the fewest, of up to 32, with which a step is at most 10 % longer than with "
        "all of these",
    ),
]
Input = Annotated[
    list[Path] | None,
    typer.Option(
        "--input",
        help="Sequences to run: .npy of shape (T, D) or (N, T, D), see --axes, or an .npz of such; "
        "several files are given by as many --input.",
        show_default="sequences of the model's own task",
    ),
]
InputAxes = Annotated[
    str | None,
    typer.Option(
        "--axes",
        help="The order of the axes of --input and of --expect, of N sequences, T steps and D "
        "values: NTD, TND, ...",
        show_default="as the model file declares it, else NTD",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse input beyond its format, which is else clipped as the core does it, and "
        "counted.  [default: off]",
    ),
]
Sequences = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many sequences to run.",
        show_default=f"{SEQUENCES} of a task, all of a file",
    ),
]
Length = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Steps of a sequence.",
        show_default="1100 of temporal order, 100 of adding, all of a file",
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="State to start from (.npz), as --save-state writes it; the codes are the same with "
        "the same --formats.",
        show_default="the network's own start",
    ),
]
SaveState = Annotated[
    Path | None,
    typer.Option(
        help="Write the state after the last step to this file (.npz).",
        show_default="not written",
    ),
]
MaxLength = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Steps of the longest sequence that the core can hold; only a network with reverse "
        "layers holds any.",
        show_default="those of the input",
    ),
]
StatePort = Annotated[
    bool,
    typer.Option(
        "--state-port",
        help="Give the core a port through which its state is read and written between steps; not "
        "with reverse layers.  [default: off]",
    ),
]
LoadPort = Annotated[
    bool,
    typer.Option(
        "--load-port",
        help="Give the core a port through which another network of the same shape and formats is "
        "loaded, and write the words of this one; not with reverse layers.  [default: off]",
    ),
]
Protect = Annotated[
    bool,
    typer.Option(
        "--protect",
        help="Mend bits that flip in the core's memories, and count them; not with reverse layers, "
        "--nonzeros, --skip and --load-port.  [default: off]",
    ),
]
Streams = Annotated[
    int,
    typer.Option(
        min=1, help="Sequences side by side in one core: one has work while another one waits."
    ),
]
Nonzeros = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="For one-hot and other sparse input: so many elements of a vector come, each with its "
        "index, and the core spends no clock on the others.",
        show_default="all come",
    ),
]
Skip = Annotated[
    str | None,
    typer.Option(
        metavar="zero|unchanged",
        help="Columns that take no clock while the core runs: of values that are 0, or that have "
        "not changed since the last step.",
        show_default="none",
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N...]",
        help="With --skip unchanged: how many LSB a value may be off the one that was used last "
        "and still count as unchanged; one number, or of the input and of each layer's y.",
        show_default="0, so that every code stays what it is",
    ),
]
Axi = Annotated[
    bool,
    typer.Option(
        "--axi",
        help="Put AXI4-Stream and an AXI4-Lite register map around the core, and write the map as "
        "Markdown and JSON.  [default: off]",
    ),
]
MemoryFiles = Annotated[
    bool,
    typer.Option(
        "--memory-files",
        help="Leave the contents of memories in files of their own, which the Verilog reads by "
        "$readmemh: for large networks.  [default: off]",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the task's sequences.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder to write to.", show_default="out/<model's name>"),
]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="Write the results to this file too.", show_default="not written"),
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="Leave out the hold check of a million steps.  [default: off]"),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Processes side by side.", show_default="one a processor"),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler, whose workers do the work (needs the extra `dask`).",
        show_default="this machine",
    ),
]
