"""A step of a schedule as the lanes do it, clock by clock, and all that is wrong with it."""

from collections import deque
from itertools import pairwise

from golden.shape import Shape
from rtl.schedule.schedule import Schedule

Key = tuple[int | None, str, int, int]  # layer, kind, index, stream


def tail_order(qnet, streams: int = 1) -> list[list[Key]]:
    """The rows of each layer, projection and dense stage, of each for every stream, in the order of
    the tail."""
    parts = _parts(qnet)
    return [[(*row, stream) for row in rows] for rows in parts for stream in range(streams)]


def _parts(qnet) -> list[list[tuple[int | None, str, int]]]:
    found = []
    for k in _running(qnet):
        if k >= len(qnet.layers):
            kind, units = _dense(qnet)[k]
            found.append([(k, kind, unit) for unit in range(units)])
            continue
        shape, rows = qnet.layers[k].shape, []
        for block in range(shape.blocks):
            rows += [(k, gate, block) for gate in shape.gates]
            rows += [(k, "g", block * shape.block_size + c) for c in range(shape.block_size)]
        found.append(rows)
        if shape.projection:
            found.append([(k, "y", unit) for unit in range(shape.projection)])
    return found


def _running(qnet) -> list[int]:
    """Every stage, by number, but behind those that it reads."""
    reads, found = qnet.sources, list[int]()

    def run(k: int) -> None:
        for source in reads[k]:
            if source >= 0 and source not in found:
                run(source)
        found.append(k)

    for k in range(len(reads)):
        if k not in found:
            run(k)
    return found


def _dense(qnet) -> dict[int, tuple[str, int]]:
    """The dense stages by number: kind, and how many units."""
    stages, first = (*qnet.stem, *qnet.head), len(qnet.layers)
    kinds = ["stem"] * len(qnet.stem) + ["dense"] * len(qnet.head)
    if qnet.head:
        kinds[-1] = "out"
    pairs = zip(kinds, stages, strict=True)
    return {k: (kind, stage.outputs) for k, (kind, stage) in enumerate(pairs, first)}


def columns_of(qnet, streams: int, elements: int | None = None) -> list[dict]:
    """What each column of each layer, projection and dense stage reads, of each for every stream:
    its source, and the signal.

    Of a sparse input so many `elements` come, and their columns are only counted.
    """
    found = []
    for k in _running(qnet):
        below = _below(qnet, k, elements)
        if k >= len(qnet.layers):
            found.append(below)
            continue
        shape: Shape = qnet.layers[k].shape
        own = [("y", (k, "y", unit)) for unit in range(shape.outputs)]
        if shape.gate_recurrence:
            own += [("gates", (k, g, b)) for g in shape.gates for b in range(shape.blocks)]
        found.append([*below, *enumerate(own, shape.inputs)])
        if shape.projection:
            found.append([*enumerate(("below", (k, "m", cell)) for cell in range(shape.cells))])
    return [
        {column: (source, (*key, stream)) for column, (source, key) in part}
        for part in found
        for stream in range(streams)
    ]


def _below(qnet, k: int, elements: int | None) -> list[tuple[int, tuple[str, tuple]]]:
    """The columns of what a stage reads: their numbers, sources and signals."""
    found, first = [], 0
    for source in qnet.sources[k]:
        if source < 0:
            named = [("x", (None, "x", unit)) for unit in range(elements or qnet.inputs)]
            width = qnet.inputs
        elif source < len(qnet.layers):
            width = qnet.layers[source].shape.outputs
            named = [("below", (source, "y", unit)) for unit in range(width)]
        else:
            kind, width = _dense(qnet)[source]
            named = [("below", (source, kind, unit)) for unit in range(width)]
        found += enumerate(named, first)
        first += width
    return found


def memories(qnet, streams: int, elements: int | None = None) -> dict[str, list[Key]]:
    """What lies where, in the order of writing."""
    stored: list[Key] = []
    gates: list[Key] = []
    for k in _running(qnet):
        every = range(streams)
        if k >= len(qnet.layers):
            kind, units = _dense(qnet)[k]
            stored += [(k, kind, n, stream) for stream in every for n in range(units)][
                : None if kind != "out" else 0
            ]
            continue
        shape = qnet.layers[k].shape
        kind = "m" if shape.projection else "y"
        stored += [(k, kind, cell, stream) for stream in every for cell in range(shape.cells)]
        stored += [(k, "y", n, stream) for stream in every for n in range(shape.projection or 0)]
        blocks = [(b, stream) for stream in every for b in range(shape.blocks)]
        gates += [(k, gate, *block) for block in blocks for gate in shape.gates]
    x: list[Key] = [
        (None, "x", unit, stream)
        for stream in range(streams)
        for unit in range(elements or qnet.inputs)
    ]
    return {"x": x, "y": stored, "below": stored, "gates": gates}


def faults(qnet, schedule: Schedule) -> list[str]:
    """What is wrong with a schedule, from the definition of the lanes, the tail and the memories.

    The program is walked through slot by slot with the accumulators of a lane; a sum is the list of
    what was added up. Then all reads are held against the clocks in which values are written, in
    the steady state of steps `cycles_per_step` apart.
    """
    slots, step = schedule.slots, schedule.cycles_per_step
    parts = tail_order(qnet, schedule.streams)
    groups = _groups(parts, schedule)
    found = [] if len(slots) == step else [f"{len(slots)} slots, {step} cycles"]
    ends = _sums(qnet, schedule, groups, found)
    if len(ends) != len(groups):
        return [*found, f"{len(ends)} groups end, not {len(groups)}"]
    turns = [*zip(ends, groups, strict=True), (ends[0] + step, groups[0])]
    for (end, (_, rows)), (after, _) in pairwise(turns):
        if after - end < -(-len(rows) // _at_once(schedule, rows)):
            found.append(f"the tail has {after - end} clocks for the {len(rows)} rows of {end}")
    written = _written(qnet, schedule, groups, ends)
    _check_order(qnet, schedule, written, found)
    _check_reads(qnet, schedule, [part for part, _ in groups], written, found)
    return found


def _groups(parts, schedule: Schedule) -> list[tuple[int, list]]:
    """The groups of a step: the part that each is of, and its rows."""
    found, phases = [], iter(schedule.phases)
    for part, rows in enumerate(parts):
        done = 0
        while done < len(rows):
            phase = next(phases)
            ours = rows[done : done + len(phase.rows)]
            found += [(part, ours[k : k + phase.side]) for k in range(0, len(ours), phase.side)]
            done += len(phase.rows)
    return found


def _needed(qnet, columns: dict, rows, sparse: bool) -> list[int]:
    """The columns that a group of rows cannot do without; one in any case."""

    def counts(column: int) -> bool:
        weights = (qnet.rows[layer, kind].codes[unit][column] for layer, kind, unit, _ in rows)
        return (sparse and columns[column][0] == "x") or any(weights)

    return [column for column in sorted(columns) if counts(column)] or [next(iter(columns))]


def _sums(qnet, schedule: Schedule, groups, found: list[str]) -> list[int]:
    """The clocks in which groups end, each with what it needs in its sum and nothing else."""
    wanted = columns_of(qnet, schedule.streams, schedule.nonzeros)
    ring = deque([[(-1, -1)] for _ in range(schedule.accumulators)])  # of the step before
    ends: list[int] = []
    for clock, slot in enumerate(schedule.slots):
        if slot.rotate:
            ring.rotate(1)
        if slot.first:
            ring[0] = []
        if slot.column:
            ring[0].append((slot.group, slot.column.column))
        if slot.last:
            part, rows = groups[len(ends)]
            if slot.stream != rows[0][-1]:
                found.append(f"the slot of {clock} is of stream {slot.stream}")
            needed = _needed(qnet, wanted[part], rows, schedule.sparse)
            if sorted(ring[0]) != [(len(ends), column) for column in needed]:
                found.append(f"the sum that ends in {clock} is {ring[0]}")
            ends.append(clock)
    return ends


def _at_once(schedule: Schedule, rows) -> int:
    """Rows that the tail takes at once: of a layer perhaps a block, of all else one."""
    return 1 if rows[0][1] in ("y", "stem", "dense", "out") else schedule.tail


def _written(qnet, schedule: Schedule, groups, ends: list[int]) -> dict[Key, int]:
    """The first clock in which each signal may be read, from the step's first one."""
    found: dict[Key, int] = {}
    for (_, rows), end in zip(groups, ends, strict=True):
        for lane, (layer, kind, *unit) in enumerate(rows):
            clock = end + lane // _at_once(schedule, rows)
            if kind == "g":
                kind = "m" if qnet.layers[layer].shape.projection else "y"
                found[layer, kind, *unit] = clock + schedule.depths.cell
            else:
                found[layer, kind, *unit] = clock + schedule.depths.gate
    return found


def _check_order(qnet, schedule: Schedule, written: dict[Key, int], found: list[str]) -> None:
    """Memories are written in order, a value a clock, and one step after the other."""
    for name in ("y", "gates") if schedule.tail == 1 else ("y",):
        clocks = [written[key] for key in memories(qnet, schedule.streams)[name]]
        if clocks:
            pairs = pairwise([*clocks, clocks[0] + schedule.cycles_per_step])
            found += [f"{name} is written in {a}, then in {b}" for a, b in pairs if b <= a]


def _check_reads(
    qnet, schedule: Schedule, part_of: list[int], written: dict[Key, int], found: list[str]
) -> None:
    """Each column reads the right value after it was written and before its bank's next step."""
    size = schedule.streams, schedule.nonzeros
    wanted, places = columns_of(qnet, *size), memories(qnet, *size)
    step = schedule.cycles_per_step
    released = False
    for clock, slot in enumerate(schedule.slots):
        if not slot.column:
            continue
        part = part_of[slot.group]
        source, key = wanted[part][slot.column.column]
        if (source, places[source][slot.column.address]) != (slot.column.source, key):
            found.append(f"{slot.column} in {clock} is not {source} {key}")
        elif source != "x":
            since = written[key] - step * (source != "below")
            if not since <= clock < since + 2 * step:
                found.append(f"{key} is read in {clock}, it is there from {since} on")
        elif released:
            found.append(f"x is read in {clock}, after its release")
        released |= slot.release
    if sum(slot.release for slot in schedule.slots) != 1:
        found.append("x is not released once")
