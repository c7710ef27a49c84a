"""Whether a netlist fits on a device, and what to say where it does not."""

import re
from collections.abc import Mapping

from rtl.flow.devices import DEVICES
from rtl.flow.errors import FlowError, ToolFailedError, TooSmallError
from rtl.flow.family import DSP, Device
from rtl.flow.yosys import Netlist
from rtl.planning import CorePlan

# nextpnr's own words for a design that has no place
NO_PLACE = re.compile(
    r"no BELs remaining|Failed to expand region|Unable to find legal placement|"
    r"Unable to place|failed to place|out of .*Bels"
)
USED = re.compile(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+(\d+)%")


def check(netlist: Netlist, device: Device, operands: tuple[int, int] | None = None) -> None:
    """Refuse a netlist that takes more than the device has, before anything is placed.

    Parameters
    ----------
    operands : bits of the operands of the lanes' products, two's complement.

    Raises
    ------
    TooSmallError : one line that says what is needed and what there is.
    """
    used = device.family.used(netlist.cells)
    over = _over(used, device.has)
    if not over:
        return
    needs = ", ".join(f"{used[name]:,} {name} of {device.has[name]:,}" for name in over)
    blocks = _blocks(device, operands) if DSP in over else 1
    why = ""
    if operands and blocks > 1:
        fits = device.family.dsp_bits
        why = (
            f" (a product of {operands[0]} x {operands[1]} bits takes up to {blocks} DSP, "
            f"one of {fits} x {fits} takes 1)"
        )
    larger = [
        other.name
        for other in DEVICES.values()
        if other.family is device.family and other.has and not _over(used, other.has)
    ]
    bits = "" if over == [DSP] and blocks == 1 else "fewer --bits, "
    raise TooSmallError(
        f"device {device.name} is too small: the design needs {needs}{why}; fewer --lanes, {bits}"
        f"or {f'--device {larger[0]}' if larger else 'a larger device'} will help"
    )


def too_small(caught: ToolFailedError, device: Device) -> FlowError:
    """What a placer's failure means: that the device is too small, or only what it says itself."""
    text = caught.log.read_text(errors="replace")
    if not NO_PLACE.search(text):
        return caught
    names = {bel: name for name, bel in device.family.bels.items()}
    counts = [(name, int(used), int(there)) for name, used, there, _ in USED.findall(text)]
    fullest = [each for each in counts if each[0] in names and each[1] > 0.9 * each[2]]
    needs = ", ".join(f"{used:,} {names[bel]} of {there:,}" for bel, used, there in fullest)
    said = f"the design needs {needs}" if needs else str(caught)
    return TooSmallError(
        f"device {device.name} is too small: {said}; fewer --lanes, fewer --bits, or a larger "
        "device will help"
    )


def multipliers(core: CorePlan, device: Device) -> int:
    """DSP blocks that a core's multipliers take at the most."""
    found = 0
    for part in core.parts:
        paths = part.program.paths
        found += part.schedule.lanes * _blocks(device, (paths.weight, paths.operand))
        found += part.program.tail_multipliers
    return found


def _over(used: Mapping[str, int], has: Mapping[str, int]) -> list[str]:
    return [name for name in used if name in has and used[name] > has[name]]


def _blocks(device: Device, operands: tuple[int, int] | None) -> int:
    """The most DSP blocks that a product of such operands takes."""
    if operands is None:
        return 1
    one, other = (-(-bits // device.family.dsp_bits) for bits in operands)
    return one * other
