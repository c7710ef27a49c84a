"""Which layers can share a core."""

from collections.abc import Sequence

from golden.shape import Shape


def clashing(shapes: Sequence[Shape]) -> tuple[int, int] | None:
    """Two layers by number, of which one has peepholes that the other, the first, cannot have
    beside it in a core."""
    seeing = next((k for k, shape in enumerate(shapes) if shape.peepholes), None)
    wide = (k for k, each in enumerate(shapes) if each.block_size > 1 or each.gate_recurrence)
    other = next(wide, None)
    return None if seeing is None or other is None else (other, seeing)
