"""The ways to choose formats, and weights for them, that `bench.bench_formats` compares."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bench import cached, trained
from bench.trained import Labelled
from fixedpoint import FormatError
from fixedpoint.calibration import Part, Seen
from fixedpoint.clipping import clipped
from fixedpoint.fitting import formats_of
from fixedpoint.formats import Format, Formats
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.rounding import Statistics, rounded
from fixedpoint.rule import Rule
from fixedpoint.search.evaluation import Problem, evaluate
from fixedpoint.search.search import Goal, Search
from fixedpoint.search.space import Space
from fixedpoint.widths import Widths
from golden.network import Network
from golden.squash import Array

LANES = 8
RATE = 3e-3  # of training on the integer model
MIXED = 8  # bits of x and y where weights have 4 or 2
SEARCHED = 40  # sequences that a search is made on

Ways = Iterator[tuple[str, QuantizedNetwork]]


def ways(net: Network, x: Array, seen: Seen, known: Statistics, bits: int) -> Ways:
    """Those that take a moment.

    Parameters
    ----------
    x : what formats are chosen on, (N, T, D); `seen` and `known` were measured on it.
    """
    widths = Rule(bits).widths(net, seen)
    yield "uniform", build(net, formats_of(net, Widths.uniform(bits), seen))
    yield "rule, shared scales", build(net, formats_of(net, replace(widths, scaled=False), seen))
    formats, found = formats_of(net, widths, seen), clipped(net, widths, seen, [Part(x)])
    if found != widths:
        yield "rule, no input clipped", build(net, formats)
        formats = formats_of(net, found, seen)
    yield "rule", build(net, formats)
    yield "rule, rounded by data", _by_data(net, widths, x, seen, known)
    if bits == MIXED:
        narrow = replace(widths, weights=4)
        formats = formats_of(net, clipped(net, narrow, seen, [Part(x)]), seen)
        yield "weights of 4 bits", build(net, formats)
        yield "weights of 4 bits, rounded by data", _by_data(net, narrow, x, seen, known)


def _by_data(
    net: Network, widths: Widths, x: Array, seen: Seen, known: Statistics
) -> QuantizedNetwork:
    """With weights that are rounded with the input in view, and formats chosen for these."""
    formats = formats_of(net, clipped(net, widths, seen, [Part(x)], known), seen)
    return build(rounded(net, formats, known), formats)


def searched(net: Network, x: Array, seen: Seen, bits: int) -> QuantizedNetwork:
    """Least cost with no more error than the rule's of so many bits, on some of the data."""
    some = x[:SEARCHED]
    problem = Problem.of(net, seen, LANES, [Part(some)])
    most = evaluate(problem, Rule(bits).widths(net, seen)).rmse
    space = Space.of(net, seen, bits)
    state = Search(Goal(bits, most), space, lambda each: [evaluate(problem, w) for w in each])
    return build(net, formats_of(net, state.run(lambda _: True).widths, seen))


def learnt(
    net: Network, data: Labelled, seen: Seen, weights: int, others: int, epochs: int
) -> QuantizedNetwork:
    """Weights of 4 bits, or with 2 of the codes -1, 0 and 1 alone, trained on the integer model, or
    as they were kept."""
    from fixedpoint import aware, gradients

    widths = replace(Rule(others).widths(net, seen), weights=4)
    formats = formats_of(net, clipped(net, widths, seen, [Part(data.x[:200])]), seen)
    if weights == 2:
        formats = _ternary(formats)
    elif weights != 4:
        raise FormatError(f"weights of {weights} bits: 4, or 2 for ternary ones")
    code = "".join(map(inspect.getsource, (aware, gradients, _train, _settle, trained.fit)))
    settings = f"{weights} {epochs} {RATE} {formats.as_dict()}"
    stages = *net.layers, *net.head
    own = [values for stage in stages for values in _arrays(stage.weights, stage.biases)]
    made_of = (code, settings, data.x, data.ends, data.labels, *own)
    known = cached.network(net.name, lambda: _train(net, formats, data, weights, epochs), *made_of)
    return build(known, formats)


def _arrays(*found: Any) -> Iterator[Array]:
    for each in found:
        yield from each.values() if isinstance(each, Mapping) else (each,)


def _train(net: Network, formats: Formats, data: Labelled, weights: int, epochs: int) -> Network:
    import torch  # pyright: ignore[reportMissingImports]

    from fixedpoint.aware import Aware

    torch.manual_seed(0)
    torch.set_num_threads(1)
    module = Aware(net, formats)
    if weights == 2:
        for name, low in module.named_buffers():
            if name.endswith(".low"):
                low.fill_(-1.0)
    trained.fit(
        lambda x, ends: trained.last(module(x), ends),
        torch.optim.Adam(module.parameters(), RATE),
        data,
        epochs,
    )
    _settle(module)
    return module.network()


def _ternary(formats: Formats) -> Formats:
    """Weights of two bits, whose LSB is twice that of four: about what weights spread by."""

    def two(form: Format) -> Format:
        return Format(2, form.frac - 1)

    layers = (
        replace(layer, weights={source: two(form) for source, form in layer.weights.items()})
        for layer in formats.layers
    )
    head = (replace(stage, weights=two(stage.weights)) for stage in formats.head)
    return replace(formats, layers=tuple(layers), head=tuple(head))


def _settle(module: Any) -> None:
    """Weights become what their codes stand for, none beyond what training allowed."""
    for rows in module.modules():
        if hasattr(rows, "common"):
            codes, scale = (rows.weights * rows.scale + 0.5).floor(), rows.scale
            codes = codes.maximum(rows.low).minimum(rows.high)
            rows.weights.data = (codes / scale.where(scale > 0, 1.0)).detach()
