"""The compiled steps, made once for each kind of layer or stage, and what they work in."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types

from fixedpoint.arithmetic import Codes
from fixedpoint.compiled import kernels, layout, vectors
from fixedpoint.compiled.layout import (
    AHEAD,
    VALUES,
    Packed,
    Record,
    Rows,
    Sizes,
    Stage,
    StageWork,
    Work,
    aligned,
)
from golden.notes import line, note


def work(packed: Packed, lanes: int) -> Work:
    """What `lanes` sequences need: compiled code allocates nothing, and so counts no references."""
    z, number = Sizes(*map(int, packed.sizes)), packed.rows.ones.dtype
    values, rows = z.cells * lanes, (z.gates + 2) * z.cells
    most = max(rows, len(packed.rows.ones), len(packed.projection.ones))
    code = packed.gate.words.dtype
    parts = Work(
        u=_sources(packed.rows, lanes, AHEAD),
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


def _sources(rows: Rows, lanes: int, *steps: int) -> Codes:
    """Those of every term, two int16 or a number; zero where a term has but one."""
    terms, kind = rows.weights.shape[1], rows.weights.dtype
    if kind == np.int32:
        return np.zeros((*steps, 2 * terms * lanes), np.int16)
    return np.zeros((*steps, terms * lanes), kind)


def stage_work(stage: Stage, lanes: int) -> StageWork:
    """The same for a dense stage."""
    count = len(stage.rows.ones) * lanes + VALUES
    net, out = np.zeros(count, stage.rows.ones.dtype), np.zeros(count, stage.unit.words.dtype)
    return StageWork(*map(aligned, (_sources(stage.rows, lanes), net, out)))


_made: dict[Any, Any] = {}

FLAT, STATES, SIGNAL = (types.Array(types.int64, n, "C") for n in (1, 2, 3))
PLACE = types.UniTuple(types.uintp, 2)


def steps(packed: Packed, work: Work) -> Any:
    """`kernels.run_steps` for a layer like this one, made once for each kind."""
    arrays = packed.rows.weights, packed.projection.weights, packed.gate.words
    x = types.Array(types.int64, 3, "A", readonly=True)
    record = types.NamedUniTuple(SIGNAL, len(Record._fields), Record)
    given = packed, work, x, types.UniTuple(STATES, 3), record, FLAT, PLACE
    return _once(kernels.run_steps, arrays, given)


def rows(stage: Stage, work: StageWork) -> Any:
    """`kernels.run_rows` for a dense stage like this one, made once for each kind."""
    x = types.Array(types.int64, 3, "C", readonly=True)
    given = *stage, work, x, SIGNAL, FLAT
    return _once(kernels.run_rows, (stage.rows.weights, stage.unit.words), given)


def _once(function: Any, arrays: tuple[np.ndarray, ...], given: tuple[Any, ...]) -> Any:
    """A function for arrays of these types, and what is `given`, or is of a type that is."""
    kind = function.__name__, *(each.dtype for each in arrays)
    if kind not in _made:
        signature = (each if isinstance(each, types.Type) else numba.typeof(each) for each in given)
        _made[kind] = _compiled(function, types.void(*signature))
    return _made[kind]


@lru_cache
def _digest() -> str:
    """Of all that decides the compiled code."""
    found = hashlib.sha256()
    for module in (kernels, layout, vectors):
        found.update(Path(module.__file__ or "").read_bytes())
    return found.hexdigest()[:16]


def _compiled(function: Any, signature: Any) -> Any:
    """It is kept in a folder of numba's choice, and compiled for this process alone if none will
    take it."""
    function.__qualname__ = f"{function.__name__}_{_digest()}"  # of the file that it is kept in
    options = {"nogil": True, **kernels.OPTIONS}
    try:
        return numba.njit(signature, cache=True, **options)(function)
    except KeyboardInterrupt:
        note("interrupted while compiling the integer model; nothing half-made is kept")
        raise
    except Exception as error:  # of many kinds, of files and of what is in them
        why = line(error).replace(f" {function.__qualname__!r}", "")  # told once for all
        note(f"the compiled integer model cannot be kept for other runs: {why}")
    return numba.njit(signature, **options)(function)
