"""The compiled steps, made once for each kind of layer, and what they work in."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types

from fixedpoint.arithmetic import Codes
from fixedpoint.compiled import kernels, layout, vectors
from fixedpoint.compiled.layout import VALUES, Packed, Record, Rows, Sizes, Work, aligned
from golden.notes import line, note


def work(packed: Packed, lanes: int) -> Work:
    """What `lanes` sequences need: compiled code allocates nothing, and so counts no references."""
    z, number = Sizes(*map(int, packed.sizes)), packed.rows.ones.dtype
    values, rows = z.cells * lanes, (z.gates + 2) * z.cells
    most = max(rows, len(packed.rows.ones), len(packed.projection.ones))
    code = packed.gate.words.dtype
    parts = Work(
        u=_sources(packed.rows, lanes),
        seen=_sources(packed.projection, lanes),
        net=np.zeros(most * lanes + VALUES, number),
        s=np.zeros(values, number),
        m=np.zeros(values, number),
        y=np.zeros(z.outputs * lanes, number),
        out=np.zeros(rows * lanes + VALUES, code),
        gates=np.zeros(z.gates * z.blocks * lanes, code),
    )
    found = Work(*map(aligned, parts))
    return found if z.projected else found._replace(y=found.m)


def _sources(rows: Rows, lanes: int) -> Codes:
    """Those of every term, two int16 or a number; zero where a term has but one."""
    terms, kind = rows.weights.shape[1], rows.weights.dtype
    if kind == np.int32:
        return np.zeros(2 * terms * lanes, np.int16)
    return np.zeros(terms * lanes, kind)


_made: dict[Any, Any] = {}


def steps(packed: Packed, work: Work) -> Any:
    """`kernels.run_steps` for a layer like this one, made once for each kind."""
    arrays = packed.rows.weights, packed.projection.weights, packed.gate.words
    kind = tuple(each.dtype for each in arrays)
    if kind not in _made:
        _made[kind] = _compiled(numba.typeof(packed), numba.typeof(work))
    return _made[kind]


@lru_cache
def _digest() -> str:
    """Of all that decides the compiled code."""
    found = hashlib.sha256()
    for module in (kernels, layout, vectors):
        found.update(Path(module.__file__ or "").read_bytes())
    return found.hexdigest()[:16]


def _compiled(packed: types.Type, work: types.Type) -> Any:
    """It is kept in a folder of numba's choice, and compiled for this process alone if none will
    take it."""
    kernels.run_steps.__qualname__ = f"run_steps_{_digest()}"  # of the file that it is kept in
    flat, states, signals = (types.Array(types.int64, n, "C") for n in (1, 2, 3))
    x = types.Array(types.int64, 3, "A", readonly=True)
    record = types.NamedUniTuple(signals, len(Record._fields), Record)
    place = types.UniTuple(types.uintp, 2)
    given = packed, work, x, types.UniTuple(states, 3), record, flat, place
    options = {"nogil": True, **kernels.OPTIONS}
    try:
        return numba.njit(types.void(*given), cache=True, **options)(kernels.run_steps)
    except Exception as error:  # of many kinds, of files and of what is in them
        note(f"the compiled integer model cannot be kept for other runs: {line(error)}")
    return numba.njit(types.void(*given), **options)(kernels.run_steps)
