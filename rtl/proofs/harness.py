"""The module around a part under proof: free inputs, the nets that it looks at, what must hold."""

from collections.abc import Sequence

from rtl.proofs.design import Design, escaped
from rtl.proofs.pieces import chosen

TOP = "harness"
PART = "dut"
PINS = {"clk": "clk", "rst": "rst", "aclk": "clk", "aresetn": "!rst"}  # by a part's port


class Harness:
    """Verilog that instantiates a part, with every input free, and states what must hold of it.

    Timing: all is said of the values that stand in a clock. Registers of the harness begin with
    their initial value, as those of the part do, and take it on again when a reset comes.

    Parameters
    ----------
    design, part : the Verilog, and the path of the part in it.
    reset : whether a reset may come in any clock; else there is none after power-up.
    """

    def __init__(self, design: Design, part: str, reset: bool = False):
        self.design, self.part = design, part
        self.module = design.find(part)
        self.cuts: list[str] = []
        self.left: list[str] = []
        self.free: list[str] = []
        self.arrays: list[tuple[str, str]] = []
        self._seen: dict[str, str] = {}
        self._lines: list[str] = []
        self.claims: list[str] = []
        self.line(f"{'(* anyseq *) ' if reset else ''}wire rst{'' if reset else ' = 0'};")

    def line(self, text: str) -> None:
        """Any Verilog."""
        self._lines.append(text)

    def see(self, path: str, anything: bool = False) -> str:
        """A net of the part, whatever its depth, ready for an expression.

        With `anything` it may begin with any value, whatever it holds at power-up; more is proven
        so. That has to be said where the net is first seen.

        Raises
        ------
        ProofError : there is none.
        """
        if path not in self._seen:
            width, initial = self.design.net(self.module, path)
            self._seen[path] = name = escaped(f"{PART}.{path}")
            # flattening joins it with the net of that path, and forgets what that one began with
            power_up = f", init = {initial}" if initial else ""
            power_up = ", keep" if anything else power_up
            self.line(f"(* hierconn{power_up} *) wire [{width - 1}:0] {name};")
        return self._seen[path]

    def has(self, path: str) -> bool:
        """Whether there is a net: what a core does not need is not in its Verilog."""
        return self.design.has(self.module, path)

    def width(self, path: str) -> int:
        """Bits of a net of the part."""
        return self.design.net(self.module, path)[0]

    def cut(self, path: str) -> str:
        """A net that takes any value in every clock, whatever drives it; more is proven so."""
        name = self.see(path, anything=True)
        self.cuts.append(f"{PART}.{path}")
        return name

    def look(self, path: str, anything: bool = False) -> tuple[str, str]:
        """Any one word of a memory: its address, the same for all time, and what is there. So large
        memories stay arrays for the solver, which are others word by word. With `anything` its
        words may begin with any value, as in `see`."""
        part, _, memory = path.rpartition(".")
        module = self.design.find(f"{self.part}.{part}".strip("."))
        self.design = self.design.looked_at(module, memory, anything)
        self.arrays.append((module, memory))
        at, word = (self.see(f"{part}.{net}".strip(".")) for net in ("looks_at", "looked"))
        return at, word

    def leave(self, *paths: str) -> None:
        """Parts of which nothing is said: all that they give takes any value in every clock."""
        self.left += [self.design.find(f"{self.part}.{path}".strip(".")) for path in paths]

    def leave_lanes(self) -> None:
        """The lanes of a core, which hold its weights, if nothing is said of them."""
        parts = self.design.modules[self.design.find("lanes")].instances
        self.leave(*(f"lanes.{part}" for part in parts if part.startswith("lane")))

    def any(self, name: str, bits: int, constant: bool = False) -> str:
        """A value that is free: in every clock, or one for all time."""
        self.line(f"(* {'anyconst' if constant else 'anyseq'} *) wire [{bits - 1}:0] {name};")
        self.free.append(name)
        return name

    def register(
        self, name: str, bits: int, following: str, initial: int = 0, keeps: bool = False
    ) -> str:
        """A register of the harness, and what it takes on in each clock; a reset gives it its
        initial value again, unless it `keeps` what it has."""
        self.line(f"reg [{bits - 1}:0] {name} = {initial};")
        following = following if keeps else f"rst ? {initial} : {following}"
        self.line(f"always @(posedge clk) {name} <= {following};")
        return name

    def delayed(
        self,
        name: str,
        value: str,
        bits: int,
        clocks: int,
        initial: int = 0,
        keeps: bool = False,
    ) -> list[str]:
        """A value now and 1 to `clocks` clocks ago; `initial` stands for what was before."""
        found = [value]
        for k in range(1, clocks + 1):
            found.append(self.register(f"{name}_{k}", bits, found[-1], initial, keeps))
        return found

    def table(self, name: str, index: str, values: Sequence[int], bits: int) -> str:
        """The one of some unsigned values that belongs to an index; the last one for all beyond."""
        found = chosen(index, (f"{bits}'d{value}" for value in values))
        self.line(f"wire [{bits - 1}:0] {name} = {found};")
        return name

    def assume(self, condition: str) -> None:
        """What is taken for granted in every clock."""
        self.line(f"always @* assume ({condition});")

    def prove(self, condition: str) -> None:
        """What must hold in every clock."""
        self.line(f"always @* claim{len(self.claims)}: assert ({condition});")
        self.claims.append(condition)

    @property
    def below(self) -> str:
        """The text of the part, and of all that it is made of and that something is said of."""
        return self.design.with_modules(self.design.hollow(self.left)).below(self.module)

    @property
    def text(self) -> str:
        """The whole module."""
        wired, free = {}, []
        for port in self.design.modules[self.module].inputs:
            wired[port] = PINS.get(port, escaped(f"any.{port}"))
            if port not in PINS:
                free.append(f"(* anyseq *) wire [{self.width(port) - 1}:0] {wired[port]};")
        pins = ", ".join(f".{escaped(port)}({net})" for port, net in wired.items())
        part = f"(* keep *) {escaped(self.module)} {PART} ({pins});"
        body = "\n".join(f"  {line}" for line in (*free, *self._lines, part))
        return f"module {TOP}(input clk);\n{body}\nendmodule\n"
