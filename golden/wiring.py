"""Which stage of a network reads what.

Stages are numbered: the layers, then the dense stages in front of and between them (the stem), then
those behind (the head). A stage reads what others give at the same step, joined in the order of
their numbers. The network's input is number -1 and comes first. So an input or an earlier output
that is added to what a stage reads, or joined to it, are further columns of its weights.
"""

from collections.abc import Sequence

from golden.errors import ModelError

INPUT = -1
Numbers = tuple[int, ...]


def in_a_row(groups: Sequence[Numbers], head: int) -> tuple[Numbers, ...]:
    """For each layer and each of `head` dense stages the stages that it reads, where each reads the
    one before it; `groups` are the layers in those that run side by side."""
    numbers: list[Numbers] = []
    before: Numbers = (INPUT,)
    for group in groups:
        numbers += [before] * len(group)
        before = group
    for k in range(len(numbers), len(numbers) + head):
        numbers.append(before)
        before = (k,)
    return tuple(numbers)


def running(groups: Sequence[Numbers], stem: int, reads: Sequence[Numbers]) -> tuple[Numbers, ...]:
    """All stages in the order in which they run: the layers in `groups`, each of them behind the
    stages of the stem that it reads, then the head."""
    layers = sum(map(len, groups))
    numbers: list[Numbers] = []
    last = layers  # the next stage of the stem
    for group in groups:
        need = max((k for k in reads[group[0]] if layers <= k < layers + stem), default=-1)
        while last <= need:
            numbers.append((last,))
            last += 1
        numbers.append(group)
    return (*numbers, *((k,) for k in range(last, len(reads))))


def name(k: int, layers: int, stem: int, head: int) -> str:
    """What a stage is called, for people."""
    if k < 0:
        return "the network"
    if k < layers:
        return f"layer {k}"
    return labels(head, stem)[k - layers]


def labels(head: int, stem: int = 0) -> tuple[str, ...]:
    """What dense stages are called, for people and in files: those of a stem, then of a head."""
    behind = (*(f"dense {k}" for k in range(head - 1)), "readout")[:head]
    return (*(f"stem {k}" for k in range(stem)), *behind)


def check(groups: Sequence[Numbers], stem: int, head: int, reads: Sequence[Numbers]) -> None:
    """Refuse reads that no order of running can honour.

    Raises
    ------
    ModelError : not a tuple of numbers for each stage; numbers that do not rise, or of stages that
        come later; two layers side by side that do not read the same; a stage that nobody reads.
    """
    layers = sum(map(len, groups))
    if len(reads) != layers + stem + head:
        raise ModelError(f"reads: {len(reads)} entries, there are {layers + stem + head} stages")
    done, used = {INPUT}, set[int]()
    for group in running(groups, stem, reads):
        for k in group:
            read, what = reads[k], name(k, layers, stem, head)
            if not read or sorted(set(read)) != list(read):
                raise ModelError(f"{what} reads {read}: must be numbers of stages that rise")
            if read != reads[group[0]]:
                raise ModelError(f"{what} reads {read}, the layer beside it {reads[group[0]]}")
            late = [each for each in read if each not in done]
            if late:
                raise ModelError(f"{what} reads stage {late[0]}, which is not before it")
            used |= set(read)
        done |= set(group)
    unread = done - used - {INPUT} - set(running(groups, stem, reads)[-1])
    if unread:
        raise ModelError(f"{name(min(unread), layers, stem, head)}: nothing reads it")
