"""`fixedpoint.loop.run_layer` and `QuantizedDense.run` by compiled steps, on all processors.

Importing this needs numba.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.compiled.layout import AHEAD, LANES, Record
from fixedpoint.compiled.making import rows, stage_work, steps, work
from fixedpoint.compiled.packing import pack, pack_dense
from fixedpoint.dense import QuantizedDense
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
    chunks, x = list(_chunks(batch)), x.transpose(0, 2, 1)
    idle = {lanes: [work(packed, lanes)] for lanes in {lanes for _, lanes in chunks}}
    step, products = steps(packed, idle[chunks[0][1]][0]), packed.rows.weights.size

    def run(first: int, lanes: int) -> Codes:
        lost = np.zeros(len(shape.kinds) + 4, np.int64)
        place = idle[lanes].pop() if idle[lanes] else work(packed, lanes)  # one for each thread
        place.u[...] = 0  # nothing was used before
        at_once = -(-PRODUCTS // (products * lanes * AHEAD)) * AHEAD
        for t in range(0, count, at_once):
            cut = slice(t, t + at_once)
            part = Record(*(values[cut] for values in record))
            step(packed, place, x[cut], end, part, lost, (np.uintp(first), np.uintp(lanes)))
        idle[lanes].append(place)
        return lost

    lost = _side_by_side(run, chunks, _threads(len(chunks), products * count * batch))
    saturated.update(_counts(shape, lost))
    return _signals(shape, record, signals), LayerState(*end)


def run_dense(dense: QuantizedDense, u: Codes) -> tuple[Codes, int]:
    """As `QuantizedDense.run`. Steps of few sequences go side by side, as sequences do."""
    (count, batch, width), stage = u.shape, pack_dense(dense)
    step, products = rows(stage, stage_work(stage, LANES)), stage.rows.weights.size * count * batch
    out, few = np.empty((count, dense.outputs, batch), np.int64), batch < LANES

    def run(first: int, last: int) -> Codes:
        lost, now, to = np.zeros(1, np.int64), u[first:last], out[first:last]
        if few:
            now = now.reshape(1, -1, width)
            to = np.empty((1, dense.outputs, now.shape[1]), np.int64)
        step(*stage, stage_work(stage, LANES), _columns(now), to, lost)
        if few:
            out[first:last] = to.reshape(-1, last - first, batch).transpose(1, 0, 2)
        return lost

    threads = _threads(count, products)
    calls = max(threads, min(count, -(-products // PRODUCTS)))
    ends = np.linspace(0, count, calls + 1).astype(int).tolist()
    lost = _side_by_side(run, list(pairwise(ends)), threads)
    return out.transpose(0, 2, 1), int(lost[0])


def _columns(u: Codes) -> Codes:
    """u (T, N, width) as the compiled steps take it, (T, width, N)."""
    return np.ascontiguousarray(u.transpose(0, 2, 1), np.int64)


def _side_by_side(
    run: Callable[[int, int], Codes], parts: Sequence[tuple[int, int]], threads: int
) -> Codes:
    """The sum of what `run` gives for each part."""
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            return np.sum(list(pool.map(run, *zip(*parts, strict=True))), axis=0)
    return np.sum([run(*each) for each in parts], axis=0)


def _chunks(batch: int) -> Iterator[tuple[int, int]]:
    """The first of the sequences that run side by side, and how many they are."""
    first = 0
    while first < batch:
        lanes = LANES if batch - first >= LANES else 1
        yield first, lanes
        first += lanes


def _threads(parts: int, products: int) -> int:
    """For so many parts and products; at most the processors, or as OMP_NUM_THREADS says, as it
    does to NumPy."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    most = max(1, int(said)) if said.isdecimal() else processors()
    return min(parts, most, max(1, products // WORTH))


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
