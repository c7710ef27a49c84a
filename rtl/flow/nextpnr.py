"""A netlist placed and routed on a device, and made into a bitstream."""

import json
from dataclasses import dataclass
from pathlib import Path

from rtl.flow.errors import FlowError, ToolFailedError
from rtl.flow.family import Device
from rtl.flow.fit import too_small
from rtl.flow.timing import CriticalPath, critical_path
from rtl.flow.tools import Progress, run, silent
from rtl.flow.yosys import Netlist


@dataclass(frozen=True)
class Placement:
    """A design on a device.

    Attributes
    ----------
    seed : of the placer.
    fmax : the highest clock of the slowest clock domain, MHz.
    clocks : the highest clock of each domain, MHz.
    path : what limits `fmax`; None where no path lies in its domain.
    bels : by nextpnr's name of a resource, how much is used and how much there is.
    routed : the file that the bitstream is made from.
    """

    seed: int
    fmax: float
    clocks: dict[str, float]
    path: CriticalPath | None
    bels: dict[str, tuple[int, int]]
    routed: Path


def place(
    netlist: Netlist,
    device: Device,
    freq: float | None,
    seed: int,
    constraints: str,
    folder: Path,
    progress: Progress = silent,
) -> Placement:
    """Place and route a netlist; what nextpnr says is in `nextpnr-<seed>.log` in `folder`.

    A design slower than `freq` is no error: see `Placement.fmax`.

    Parameters
    ----------
    netlist : in `folder`.
    freq : the clock to aim at, MHz; default the device's.
    seed : of the placer.
    constraints : pins, in the format of the device's family; empty to let pins lie anywhere.

    Raises
    ------
    FlowError : the design does not fit, or has no clock.
    ToolFailedError : nextpnr fails in another way.
    """
    family = device.family
    if family.placer is None:
        raise FlowError(f"device {device.name}: there is no open placer, only an estimate")
    routed, report = f"{netlist.top}-{seed}{family.routed}", f"report-{seed}.json"
    write, pins, where = family.options
    if constraints:
        (folder / f"{netlist.top}{family.pins}").write_text(constraints, encoding="utf-8")
        where = pins.format(f"{netlist.top}{family.pins}")
    words = [*device.place, "--json", netlist.path.name, "--report", report]
    words += [*write.format(routed).split(), *where.split()]
    words += ["--freq", f"{freq or device.clock:g}", "--seed", str(seed)]
    router = "router1" if sum(netlist.cells.values()) <= family.router1 else "router2"
    words += ["--router", router, "--timing-allow-fail"]
    try:
        run(family.placer, words, folder, f"nextpnr-{seed}.log", f"Placing, seed {seed}", progress)
    except ToolFailedError as caught:
        raise too_small(caught, device) from None
    return _read(json.loads((folder / report).read_text()), seed, folder / routed)


def _read(report: dict, seed: int, routed: Path) -> Placement:
    clocks = {name: found["achieved"] for name, found in report["fmax"].items()}
    if not clocks:
        raise FlowError("the design has no path from a register to a register, and so no clock")
    slowest = min(clocks, key=clocks.__getitem__)
    bels = {name: (n["used"], n["available"]) for name, n in report["utilization"].items()}
    path = critical_path(report, slowest)
    return Placement(seed, clocks[slowest], clocks, path, bels, routed)


def bitstream(
    placement: Placement, device: Device, file: Path, folder: Path, progress: Progress = silent
) -> None:
    """Write the bitstream of a placement to `file`, in `folder`.

    Raises
    ------
    ToolFailedError : the tool does.
    """
    packer = device.family.packer
    assert packer is not None, device.name
    words = [placement.routed.name, file.name]
    run(packer, words, folder, f"{packer.name}.log", "Bitstream", progress)
