"""What passes from register to register, a clock each."""

from collections.abc import Sequence

from rtl.proofs.harness import Harness


def claim_way(
    h: Harness,
    name: str,
    source: str,
    stages: Sequence[str],
    bits: int = 1,
    initial: int = 0,
    keeps: bool = True,
) -> list[str]:
    """Each stage of a way holds what stood at its source so many clocks ago.

    Parameters
    ----------
    name, source, bits : of the value, in the harness.
    stages : nets of the part in order; one that it does not have is left out.
    initial, keeps : what the registers begin with, and whether a reset leaves them alone.

    Returns
    -------
    The source, and what it was, clock by clock.
    """
    found = h.delayed(name, source, bits, len(stages), initial, keeps)
    for stage, was in zip(stages, found[1:], strict=True):
        if h.has(stage):
            h.prove(f"{h.see(stage)} == {was}")
    return found
