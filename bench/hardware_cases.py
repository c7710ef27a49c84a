"""The cores that `bench.hardware` measures, in order of importance."""

from dataclasses import dataclass
from functools import cached_property

from bench.bench_core import CASES as NETWORKS
from bench.bench_core import network
from rtl import CoreOptions, CorePlan, plan

ECP5, UP5K = "ecp5-85k", "ice40-up5k"


@dataclass(frozen=True)
class Case:
    """One core on one device.

    Attributes
    ----------
    name : of the network, in `bench.bench_core.CASES`.
    lanes, streams : of the core.
    device : in `rtl.flow.DEVICES`.
    last : how far it goes: "cycles", "synthesis" or "placement".
    most : seeds at most.
    freq : the clock that it must reach, MHz, or None.
    """

    name: str
    lanes: int
    device: str = ECP5
    streams: int = 1
    last: str = "placement"
    most: int | None = None
    freq: float | None = None

    @property
    def key(self) -> str:
        """Its name in the results."""
        streams = f", {self.streams} streams" if self.streams > 1 else ""
        return f"{self.name}, {self.lanes} lanes{streams}, {self.device}"

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the input and the layers."""
        return NETWORKS[self.name][0]

    @property
    def simulation(self) -> tuple[tuple[int, ...], int, int]:
        """What its cycles depend on: widths, lanes, streams; the same on any device."""
        return self.widths, self.lanes, self.streams

    @property
    def brief(self) -> bool:
        """Whether its cycles are among those that are asked for alone."""
        return self.last == "placement" or self.streams == 2

    @cached_property
    def plan(self) -> CorePlan:
        return plan(network(self.widths)[0], CoreOptions(self.lanes, self.streams))


SMALL, MIDDLE, LARGE = "1 input, 20 cells", "16 inputs, 32 cells", "16 inputs, 128 cells"
SCALED = tuple(Case(LARGE, lanes, last="synthesis") for lanes in (4, 8, 16, 32, 128))
"""With `LARGE` on 64 lanes, which is placed too: how a core grows with its lanes."""

CASES = (
    Case(SMALL, 4),
    Case(SMALL, 4, UP5K, freq=24.0),
    Case(MIDDLE, 16),
    Case(LARGE, 64),
    *SCALED,
    Case("64 inputs, 64 + 64 cells", 32),
    Case("100 inputs, 64 cells", 64),
    Case(f"{MIDDLE}, all lanes", 128, most=1),
    *(Case(f"{MIDDLE}, all lanes", 128, streams=k, last="cycles") for k in (2, 3, 4)),
)
