"""`fixedpoint.loop.run_layer` by compiled steps, on all processors; importing this needs numba."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.compiled.layout import LANES, Record
from fixedpoint.compiled.making import steps, work
from fixedpoint.compiled.packing import pack
from golden.cell import LayerState
from golden.processes import processors
from golden.shape import Shape

PRODUCTS = 1 << 28  # in one call, which no interruption ends
WORTH = 1 << 20  # products that are worth a thread


def run_layer(
    layer: QuantizedLayer,
    x: Codes,
    state: LayerState,
    saturated: dict[str, int],
    signals: bool = True,
) -> tuple[dict[str, Codes], LayerState]:
    """As `fixedpoint.loop.run_layer`."""
    shape, (count, batch, _), packed = layer.shape, x.shape, pack(layer)
    parts = state.s, state.y, state.gates
    end = tuple[Codes, ...](np.array(part, np.int64, order="C") for part in parts)
    widths = {"gates": shape.state["gates"], **shape.signals} if signals else {"y": shape.outputs}
    record = Record(
        *(np.empty((count, widths.get(name, 0), batch), np.int64) for name in Record._fields)
    )

    step, products = steps(packed, work(packed, 1)), packed.rows.weights.size

    def run(first: int, lanes: int) -> Codes:
        lost, place = np.zeros(len(shape.kinds) + 4, np.int64), work(packed, lanes)
        at_once = max(1, PRODUCTS // (products * lanes))
        for t in range(0, count, at_once):
            part = Record(*(values[t : t + at_once] for values in record))
            now = x[t : t + at_once]
            step(packed, place, now, end, part, lost, (np.uintp(first), np.uintp(lanes)))
        return lost

    chunks = list(_chunks(batch))
    threads = min(len(chunks), _threads(), max(1, products * count * batch // WORTH))
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(run, *zip(*chunks, strict=True)))
    else:
        found = [run(*each) for each in chunks]
    saturated.update(_counts(shape, np.sum(found, axis=0)))
    return _signals(shape, record, signals), LayerState(*end)


def _chunks(batch: int) -> Iterator[tuple[int, int]]:
    """The first of the sequences that run side by side, and how many they are."""
    first = 0
    while first < batch:
        lanes = LANES if batch - first >= LANES else 1
        yield first, lanes
        first += lanes


def _threads() -> int:
    """At most so many: the processors, or as OMP_NUM_THREADS says, as it does to NumPy."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(said)) if said.isdecimal() else processors()


def _counts(shape: Shape, lost: Codes) -> dict[str, int]:
    """Saturations by name; a block's gates were counted for each of its cells."""
    *early, late = shape.gates
    names = (*early, "g", late, "h", "s", "m", "y")
    found = dict(zip(names, lost.tolist(), strict=True))
    for gate in shape.gates:
        found[gate] //= shape.block_size
    if shape.projection is None:
        found["y"] = found.pop("m")
    return found


def _signals(shape: Shape, record: Record, every: bool) -> dict[str, Codes]:
    """The signals (T, N, width) by name, or y alone."""
    found = {name: values.transpose(0, 2, 1) for name, values in record._asdict().items()}
    if not every:
        return {"y": found["y"]}
    gates = np.split(found["gates"], len(shape.gates), axis=2)
    return dict(zip(shape.gates, gates, strict=True)) | {
        name: found[name] for name in shape.signals if name not in shape.gates
    }
