"""Which networks, and with which other options, a core that skips columns can have."""

from collections.abc import Iterator

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from rtl.options import CoreOptions
from rtl.schedule.skipping import KINDS

MOST_STREAMS = 16


def check_skip(qnet: QuantizedNetwork, options: CoreOptions) -> None:
    """Refuse what a core that skips cannot have, and thresholds of one that does not."""
    skip = options.skip
    if skip != "unchanged" and any(qnet.thresholds):
        numbers = ",".join(map(str, qnet.thresholds))
        raise CarouselError(
            f"threshold {numbers}: only a core that skips what is unchanged has one"
        )
    if skip is None:
        return
    if skip not in KINDS:
        raise CarouselError(f"skip {skip!r}: allowed are {' and '.join(KINDS)}")
    for why in (*_of_network(qnet), *_of_options(options)):
        raise CarouselError(f"skip {skip}: {why}")


def _of_network(qnet: QuantizedNetwork) -> Iterator[str]:
    if not qnet.layers:
        yield "a core that skips has layers"
    for k, layer in enumerate(qnet.layers):
        if layer.initial.y.any():
            yield f"layer {k} starts from outputs other than 0, which no core that skips has"


def _of_options(options: CoreOptions) -> Iterator[str]:
    for has, what in (
        (
            not 1 <= options.streams <= MOST_STREAMS,
            f"streams {options.streams}: must be from 1 to {MOST_STREAMS}, as each has its lists",
        ),
        (options.nonzeros is not None, "nonzeros: it finds the elements other than 0 itself"),
    ):
        if has:
            yield what
