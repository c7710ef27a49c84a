"""The clock and the reset of a board: a crystal, a PLL where another frequency is asked for.

Limits: iCE40 UltraPlus Family Data Sheet (FPGA-DS-02008) and ECP5 Family Data Sheet
(FPGA-DS-02012), sections on the sysCLOCK PLL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer, ResetSynchronizer

from golden.errors import CarouselError

POWER_ON = 15e-6  # s in reset: an iCE40's memories read as 0 for 3 us after configuration
NEAREST = 0.01  # how far from what is asked for a frequency may be, as a share


class ClockError(CarouselError):
    """A frequency that a board's PLL cannot give."""


@dataclass(frozen=True)
class Ice40Pll:
    """SB_PLL40_PAD with simple feedback: crystal * (DIVF + 1) / 2^DIVQ, nothing divided before it.

    Frequencies in MHz.
    """

    crystal: float
    divf: int
    divq: int

    LOWEST, HIGHEST = 16.0, 275.0
    VCO = 533.0, 1066.0
    PHASE_DETECTOR = 10.0, 133.0

    @property
    def mhz(self) -> float:
        return self.crystal * (self.divf + 1) / (1 << self.divq)

    @classmethod
    def settings(cls, crystal: float) -> Iterator["Ice40Pll"]:
        """All that the crystal allows."""
        for divf in range(64):
            if cls.VCO[0] <= crystal * (divf + 1) <= cls.VCO[1]:
                yield from (cls(crystal, divf, divq) for divq in range(1, 7))

    def instance(self, m: Module, port: Any, output: Signal, locked: Signal) -> None:
        """The PLL on the crystal's own pad. FILTER_RANGE 1 is that of 10 to 17 MHz."""
        m.submodules.pll = Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=0,
            p_DIVF=self.divf,
            p_DIVQ=self.divq,
            p_FILTER_RANGE=1,
            i_PACKAGEPIN=port.io,
            i_RESETB=1,
            i_BYPASS=0,
            o_PLLOUTGLOBAL=output,
            o_LOCK=locked,
        )


@dataclass(frozen=True)
class Ecp5Pll:
    """EHXPLLL: CLKOP at the crystal's frequency is the feedback, CLKOS the output.

    The oscillator runs at crystal * `multiple`, the output at that / `divider`; MHz.
    """

    crystal: float
    multiple: int
    divider: int

    LOWEST, HIGHEST = 3.125, 400.0
    VCO = 400.0, 800.0
    PHASE_DETECTOR = 10.0, 400.0

    @property
    def mhz(self) -> float:
        return self.crystal * self.multiple / self.divider

    @classmethod
    def settings(cls, crystal: float) -> Iterator["Ecp5Pll"]:
        """All that the crystal allows."""
        for multiple in range(1, 129):
            if cls.VCO[0] <= crystal * multiple <= cls.VCO[1]:
                yield from (cls(crystal, multiple, divider) for divider in range(1, 129))

    def instance(self, m: Module, port: Any, output: Signal, locked: Signal) -> None:
        """The PLL behind the crystal's input buffer."""
        m.submodules.clock = buffer = io.Buffer(io.Direction.Input, port)
        feedback = Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{self.crystal:g}",
            a_FREQUENCY_PIN_CLKOS=f"{self.mhz:g}",
            a_ICP_CURRENT="12",  # the loop filter, as Lattice's own generator sets it
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=1,
            p_CLKFB_DIV=1,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=self.multiple,
            p_CLKOP_CPHASE=self.multiple - 1,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=self.divider,
            p_CLKOS_CPHASE=self.divider - 1,
            i_CLKI=buffer.i,
            i_CLKFB=feedback,
            i_RST=0,
            i_STDBY=0,
            i_ENCLKOP=0,
            i_ENCLKOS=0,
            o_CLKOP=feedback,
            o_CLKOS=output,
            o_LOCK=locked,
        )


Pll = Ice40Pll | Ecp5Pll


def setting(kind: type[Pll], crystal: float, mhz: float) -> Pll:
    """The setting of a PLL that comes nearest to a frequency in MHz.

    Raises
    ------
    ClockError : a frequency that the PLL cannot give to within 1 %.
    """
    low, high = kind.LOWEST, kind.HIGHEST
    if not low <= mhz <= high:
        raise ClockError(f"clock {mhz:g} MHz: the PLL gives {low:g} to {high:g} MHz")
    assert kind.PHASE_DETECTOR[0] <= crystal <= kind.PHASE_DETECTOR[1]
    allowed = (each for each in kind.settings(crystal) if low <= each.mhz <= high)
    best = min(allowed, key=lambda each: abs(each.mhz - mhz))
    if abs(best.mhz / mhz - 1) > NEAREST:
        raise ClockError(f"clock {mhz:g} MHz: the PLL gives {best.mhz:g} MHz at the nearest")
    return best


def frequencies(kind: type[Pll], crystal: float) -> list[float]:
    """All that a board can have, MHz, in order: its crystal's, and those of its PLL."""
    rates = (each.mhz for each in kind.settings(crystal))
    return sorted({crystal, *(each for each in rates if kind.LOWEST <= each <= kind.HIGHEST)})


class Clocking(Elaboratable):
    """Clock and reset of a board's domain `sync`, which the design around this defines.

    The reset lasts for 15 us after power-on, and while a button is held.

    Parameters
    ----------
    hz : of the domain.
    pll : that gives it; None: the crystal.
    button : resource of the platform.
    """

    def __init__(self, hz: float, pll: Pll | None, button: tuple[str, int]):
        self.hz, self.pll, self.button = hz, pll, button

    def elaborate(self, platform):
        m = Module()
        port = platform.request(platform.default_clk, dir="-")
        clock, locked = Signal(), Signal()
        if self.pll is None:
            m.submodules.clock = buffer = io.Buffer(io.Direction.Input, port)
            m.d.comb += [clock.eq(buffer.i), locked.eq(1)]
        else:
            self.pll.instance(m, port, clock, locked)
        m.submodules.button = button = io.Buffer(
            io.Direction.Input, platform.request(*self.button, dir="-")
        )
        m.domains += ClockDomain("power_on", reset_less=True, local=True)
        m.d.comb += [ClockSignal("power_on").eq(clock), ClockSignal("sync").eq(clock)]
        stable, clocks = Signal(), int(POWER_ON * self.hz)
        m.submodules.stable = FFSynchronizer(locked, stable, o_domain="power_on")
        timer, over = Signal(range(clocks + 1)), Signal()
        m.d.power_on += over.eq(timer == clocks)
        with m.If(~stable):
            m.d.power_on += timer.eq(0)
        with m.Elif(timer != clocks):
            m.d.power_on += timer.eq(timer + 1)
        m.submodules.reset = ResetSynchronizer(~over | button.i, domain="sync")
        return m
