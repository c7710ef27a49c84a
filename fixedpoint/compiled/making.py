"""The compiled steps, made once for each kind of layer, and what they work in."""

from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numba import types

from fixedpoint.compiled import kernels
from fixedpoint.compiled.kernels import Packed, Record, Sizes, Work
from golden.notes import line, note


def work(packed: Packed, lanes: int) -> Work:
    """What `lanes` sequences need: compiled code allocates nothing, and so counts no references."""
    z, number = Sizes(*map(int, packed.sizes)), packed.weights.dtype
    rows = max(z.rows + z.cells, packed.projection.shape[1])
    return Work(
        u=np.ones(z.sources * lanes, number),
        seen=np.ones((z.cells + 1) * lanes, number),
        net=np.empty(rows * lanes, number),
        s=np.empty(z.cells * lanes, number),
        m=np.empty(z.cells * lanes, number),
        y=np.empty(z.outputs * lanes, number),
        out=np.empty((z.gates + 2) * z.cells * lanes, packed.gate_table.dtype),
        down=np.repeat(packed.down, lanes),
        y_down=np.repeat(packed.y_down, lanes),
        peepholes=np.repeat(packed.peepholes, lanes),
    )


def steps(packed: Packed, work: Work) -> Any:
    """`kernels.run_steps` for a layer like this one."""
    return _compiled(numba.typeof(packed), numba.typeof(work))


@lru_cache
def _compiled(packed: types.Type, work: types.Type) -> Any:
    """It is kept in a folder of numba's choice, and compiled for this process alone if none will
    take it."""
    flat, states, signals = (types.Array(types.int64, n, "C") for n in (1, 2, 3))
    x, place = types.Array(types.int64, 3, "A", readonly=True), types.uintp
    record = types.NamedUniTuple(signals, len(Record._fields), Record)
    given = packed, work, x, types.UniTuple(states, 3), record, flat, place, place
    options = {"nogil": True, **kernels.OPTIONS}
    try:
        return numba.njit(types.void(*given), cache=True, **options)(kernels.run_steps)
    except Exception as error:  # of many kinds, of files and of what is in them
        note(f"the compiled integer model cannot be kept for other runs: {line(error)}")
    return numba.njit(types.void(*given), **options)(kernels.run_steps)
