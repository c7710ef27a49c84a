"""What can be chosen of a core, apart from the network that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CoreOptions:
    """The options of a core; `rtl.plan` says which a network can have.

    Attributes
    ----------
    lanes : multipliers, one of `rtl.allowed_lanes`; default all that the network can use. Of a core
        of several parts the most for each part, which takes as many as it can use of them.
    streams : sequences that are processed side by side, each with a state of its own.
    nonzeros : for sparse input, such as one-hot vectors: so many elements of a vector come, each
        with its index, in any order and no index twice; the others are 0. Default: all come.
    max_length : steps of the longest sequence, of a network with reverse layers only; default
        `rtl.lengths.MAX_LENGTH`.
    probe : a port that shows every gate, state and output as it is computed.
    state_port : a port through which the state is read and written.
    load_port : a port through which another network of the same shape and formats is written over
        this one.
    skip : columns that take no clock while the core runs: those of "zero" values, or of "unchanged"
        ones, see `rtl.schedule.skipping`; None: none.
    protect : whether a bit that flips in a memory is mended, see `rtl.lib.secded`.
    """

    lanes: int | None = None
    streams: int = 1
    nonzeros: int | None = None
    max_length: int | None = None
    probe: bool = False
    state_port: bool = False
    load_port: bool = False
    skip: str | None = None
    protect: bool = False


USUAL = CoreOptions()
