"""The model file of weights that were rounded by data: beside the formats, and for them alone."""

from pathlib import Path

from carousel.cli import output
from golden import InputError, Network
from golden.window import Window

SUFFIX = ".npz"


def possible(net: Network) -> bool:
    """Whether a model file can say all that the network does of its input."""
    return net.reading.window == Window() and not net.reading.indices


def place(formats: Path, net: Network) -> Path:
    """Where the model goes whose formats go to `formats`.

    Raises
    ------
    InputError : that is one place; a model file cannot say what `net` does of its input.
    OutputError : a place that cannot be written.
    """
    found = formats.with_suffix(SUFFIX)
    if found == formats:
        raise InputError(f"{formats}: the formats cannot have this ending, it is the model's")
    if not possible(net):
        raise InputError(
            f"--round data: writes a model file ({SUFFIX}), and none can say what {net.name} does "
            "of its input before the first layer"
        )
    output.check_file(found)
    return found
