"""The critical path of nextpnr's report, in the design's own names."""

import re
from dataclasses import dataclass
from typing import Any

# where the design's name of a cell ends, and what the tools have added to it begins
ADDED = re.compile(
    r"_(?:TRELLIS_|SB_|CC_|LUT4|CCU2C|MULT18X18D|DP16KD|PDPW16KD|PFUMX|L6MUX21|DFFLC|LC$|DSP$|RAM$)"
)
PART = re.compile(r"(?:\.\d+)+$")  # of a memory
NAMELESS = re.compile(r"\.?(?:\$\d+|_\d+_)(?:\[\d+\])?$")
WRAPPER = re.compile(r"^(?:core\.)+(?=.)")
MULTIPLIER = re.compile(r"MULT18X18D|SB_MAC16|CC_MULT|_DSP$")
MEMORY = re.compile(r"DO[AB]?\d*$|RDATA|AD[ABWR]|DI[AB]\d|RADDR|WADDR|WDATA|WE[AB]?$|CS[AB]|OCE")
CONTROL = {"LSR": "reset", "SR": "reset", "CE": "enable", "CEN": "enable", "RST": "reset"}


@dataclass(frozen=True)
class CriticalPath:
    """The slowest way from a register to a register.

    Attributes
    ----------
    start, end : where from and to: a register, a multiplier or a memory.
    logic, routing : ns spent in cells (clock to output and set-up among them) and between them.
    levels : how many cells lie between the two.
    steps : all cells and nets on the way with their delay in ns, in nextpnr's names.
    """

    start: str
    end: str
    logic: float
    routing: float
    levels: int
    steps: tuple[dict[str, Any], ...]

    @property
    def total(self) -> float:
        """ns."""
        return self.logic + self.routing

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {**vars(self), "total": self.total, "steps": list(self.steps)}

    def __str__(self) -> str:
        return (
            f"{self.start} to {self.end}: {self.total:.2f} ns, "
            f"{self.logic:.2f} logic in {self.levels} levels, {self.routing:.2f} routing"
        )


def critical_path(report: dict[str, Any], clock: str) -> CriticalPath | None:
    """The critical path within a clock's domain, or None where no path lies in it.

    Parameters
    ----------
    report : what `nextpnr --report` writes.
    clock : its name there.
    """
    edges = {f"posedge {clock}", f"negedge {clock}"}
    paths = [p for p in report["critical_paths"] if {p["from"], p["to"]} <= edges]
    if not paths:
        return None
    steps = max((p["path"] for p in paths), key=lambda path: sum(s["delay"] for s in path))
    delays = {"logic": 0.0, "routing": 0.0}
    for step in steps:
        delays["routing" if step["type"] == "routing" else "logic"] += step["delay"]
    return CriticalPath(
        _place(steps[0]["from"]),
        _place(steps[-1]["to"]),
        **delays,
        levels=sum(step["type"] == "logic" for step in steps),
        steps=tuple(_plain(step) for step in steps),
    )


def _place(end: dict[str, Any]) -> str:
    """A path's end for people: what it is, and its name in the design."""
    cell, port = end["cell"], end["port"]
    name = WRAPPER.sub("", PART.sub("", ADDED.split(cell)[0]))
    kind = (
        "multiplier" if MULTIPLIER.search(cell) else "memory" if MEMORY.match(port) else "register"
    )
    owner = NAMELESS.sub("", name)
    what = f"{kind} {name}" if owner == name else f"a {kind} in {owner or 'the top'}"
    return f"{CONTROL[port]} of {what}" if port in CONTROL else what


def _plain(step: dict[str, Any]) -> dict[str, Any]:
    segment = {"type": step["type"], "ns": step["delay"], "cell": step["to"]["cell"]}
    return {
        **segment,
        "port": step["to"]["port"],
        **({"net": step["net"]} if "net" in step else {}),
    }
