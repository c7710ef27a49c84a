"""Which networks, and with which other options, a core that skips columns can have."""

from collections.abc import Iterator

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from rtl.options import CoreOptions
from rtl.schedule.skipping import KINDS


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
    if not qnet.layers or qnet.reads:
        yield "a core that skips has layers, in a row, and no dense stages in front of them"
    for k, layer in enumerate(qnet.layers):
        shape = layer.shape
        for has, what in (
            (shape.reverse, "runs in reverse"),
            (layer.initial.y.any(), "starts from outputs other than 0"),
        ):
            if has:
                yield f"layer {k} {what}, which no core that skips has"


def _of_options(options: CoreOptions) -> Iterator[str]:
    for has, what in (
        (options.streams != 1, f"streams {options.streams}: it processes one sequence at a time"),
        (options.nonzeros is not None, "nonzeros: it finds the elements other than 0 itself"),
        (options.load_port, "load port: it is made for one network"),
    ):
        if has:
            yield what
