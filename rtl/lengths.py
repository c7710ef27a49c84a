"""How long a sequence may be: the one rule of planned cores, commands and simulations."""

from typing import Protocol

from golden.errors import CarouselError, InputError

MAX_LENGTH = 64  # steps that a core which holds sequences has room for by default


class Directed(Protocol):
    """A network, of which it is known whether a layer runs in reverse."""

    @property
    def first_reverse(self) -> int | None: ...


def room(net: Directed, asked: int | None, steps: int = MAX_LENGTH) -> int:
    """Steps of the longest sequence that a core holds: what is asked for, else `steps`.

    0 where no layer runs in reverse: then it holds none, and sequences of any length pass.

    Raises
    ------
    CarouselError : less than 1 is asked for, or anything where sequences of any length pass.
    """
    if net.first_reverse is None:
        if asked is not None:
            raise CarouselError(
                f"max_length {asked}: the network has no reverse layer, sequences of any length "
                "pass"
            )
        return 0
    if asked is not None and asked < 1:
        raise CarouselError(f"max_length {asked}: must be at least 1")
    return asked or steps


def check_fits(steps: int, held: int) -> None:
    """`InputError` where a core that holds sequences of up to `held` steps gets longer ones."""
    if 0 < held < steps:
        raise InputError(f"input: {steps} steps, the core is to hold {held} (max_length)")
