"""Thresholds of a network: from what change on a value is used."""

from dataclasses import replace

from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError


def sources(net: QuantizedNetwork) -> dict[str, Format]:
    """What has a threshold, in the order in which they are given, by name."""
    layers = {f"y of layer {k}": layer.formats.y for k, layer in enumerate(net.layers)}
    return {"input": net.formats.input, **layers}


def with_thresholds(net: QuantizedNetwork, given: tuple[int, ...]) -> QuantizedNetwork:
    """The network with thresholds in LSB: one for all, or of the input and of each layer's y.

    What reads a value then sees the one that was used last, see `fixedpoint.skipping`; outputs
    leave as they are.

    Raises
    ------
    CarouselError : another number of thresholds; one that is negative or beyond its format; a
        reverse layer.
    """
    named = sources(net)
    numbers = given * len(named) if len(given) == 1 else given
    if len(numbers) != len(named):
        raise CarouselError(
            f"threshold {','.join(map(str, given))}: {len(given)} numbers, must be one, or "
            f"{len(named)}: of {', '.join(named)}"
        )
    for number, (name, form) in zip(numbers, named.items(), strict=True):
        if not 0 <= number <= form.high:
            raise CarouselError(
                f"threshold {number} of {name}: must be from 0 to {form.high}, the highest code "
                f"of {form}"
            )
    if any(numbers) and net.first_reverse is not None:
        raise CarouselError(
            f"threshold: layer {net.first_reverse} runs in reverse, and what was used last would "
            "be another value there"
        )
    layers = tuple(
        replace(layer, threshold=number)
        for layer, number in zip(net.layers, numbers[1:], strict=True)
    )
    return replace(net, layers=layers, threshold=numbers[0])


def without_thresholds(net: QuantizedNetwork) -> QuantizedNetwork:
    """The network that uses every change."""
    return with_thresholds(net, (0,))
