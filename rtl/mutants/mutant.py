"""Mutants of Verilog: each has one small fault, by Yosys' `mutate`, to see which checks notice it.

A mutant spoils one bit at one end of one cell of the netlist that Yosys makes of the text. Memories
stay memories, what is never read is gone, and cells are called after the nets that they drive, so
that a mutant's name outlives changes elsewhere in the text. Left alone are clocks, and what
memories hold at the beginning, which is data.
"""

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rtl.flow.tools import YOSYS, Progress, run, silent

PREPARE = "proc; opt_clean; opt -full; memory_collect; opt_clean; autoname"
"""What makes the netlist in which a mutant's names are good."""
ALL = 10_000_000  # more than there are to list
OPTION = re.compile(r"-(mode|module|cell|port|portbit|ctrlbit) (\S+)")
# memories are read at once: the registers behind them are cells of their own
ALONE = ("CLK", "RD_CLK", "WR_CLK", "clk", "RD_EN", "RD_ARST", "RD_SRST")
MEMORY = {
    "WR_DATA": "write path",
    "RD_DATA": "read path",
    "WR_ADDR": "address",
    "RD_ADDR": "address",
    "WR_EN": "enable",
}
STEERING = ("S", "SRST", "ARST")
DECIDING = ("$eq", "$ne", "$lt", "$le", "$gt", "$ge", "$logic_", "$reduce_")


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    mode : `inv`, `const0` or `const1`; `cnot0` and `cnot1` invert the bit while another one of the
        same port is 0 or 1.
    module, cell, port, portbit : which bit.
    ctrlbit : the other one, or None.
    kind : the cell's type, `$add` say; of a part that is a module, `part`.
    width : bits of the port.
    """

    mode: str
    module: str
    cell: str
    port: str
    portbit: int
    ctrlbit: int | None
    kind: str
    width: int

    def __str__(self) -> str:
        """Its name: `mode module cell port[bit]`, with `?bit` for the one that controls it."""
        control = "" if self.ctrlbit is None else f"?{self.ctrlbit}"
        return f"{self.mode} {self.module} {self.cell} {self.port}[{self.portbit}{control}]"

    @property
    def command(self) -> str:
        """What makes it, in a script of Yosys after `PREPARE`."""
        control = "" if self.ctrlbit is None else f" -ctrlbit {self.ctrlbit}"
        return (
            f"mutate -mode {self.mode} -module {self.module} -cell {self.cell} "
            f"-port {self.port} -portbit {self.portbit}{control}"
        )

    @property
    def hits(self) -> str:
        """Of a memory's port the `write path`, `read path`, `address` or `enable`; else `enable` of
        a register, `control`, or `value`: a port of several bits that decides nothing."""
        if self.kind.startswith("$mem"):
            return MEMORY[self.port]
        if self.port == "EN":
            return "enable"
        decides = self.port in STEERING or self.kind.startswith(DECIDING)
        return "control" if decides or self.width == 1 else "value"


def draw(
    text: str,
    top: str,
    count: int,
    seed: int,
    wanted: Callable[[Mutant], bool] = lambda _: True,
    progress: Progress = silent,
) -> list[Mutant]:
    """As many mutants, or all that there are: module by module in turn, in each kind by kind, in
    each cell by cell, and of a cell any. The same text and seed give the same.

    Parameters
    ----------
    text, top : Verilog, and its top module.
    wanted : which ones to draw from.

    Raises
    ------
    ToolFailedError : Yosys fails.
    """
    wished = [mutant for mutant in candidates(text, top, progress) if wanted(mutant)]
    return choose(wished, count, seed)


def choose(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Of some mutants as many, as evenly as `draw` does."""
    parts = (lambda m: m.module, lambda m: m.kind, lambda m: m.cell)
    return list(islice(_deal(mutants, parts, random.Random(seed)), count))


def candidates(text: str, top: str, progress: Progress = silent) -> list[Mutant]:
    """All that there are, in an order that depends on the text alone."""
    commands = [f"mutate -list {ALL} -o list.txt", "write_json cells.json"]
    files = _yosys(text, top, commands, progress)
    modules = json.loads(files["cells.json"])["modules"]
    chances = {name: set(_chances(module["cells"].values())) for name, module in modules.items()}
    mutants = []
    for line in sorted(files["list.txt"].splitlines()):
        options = dict(OPTION.findall(line))
        cell = modules[options["module"]]["cells"].get(options["cell"])
        if cell is None or options["port"] in ALONE:  # without a cell it is a port of the module
            continue
        if _by_chance(cell, options["port"], int(options["portbit"]), chances[options["module"]]):
            continue
        mutants.append(
            Mutant(
                options["mode"],
                options["module"],
                options["cell"],
                options["port"],
                int(options["portbit"]),
                int(options["ctrlbit"]) if "ctrlbit" in options else None,
                cell["type"] if cell["type"].startswith("$") else "part",
                len(cell["connections"][options["port"]]),
            )
        )
    return mutants


def _chances(cells: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """The bits of a module that may be anything: a statement's own, and no part of the design."""
    for cell in cells:
        if cell["type"] in ("$anyseq", "$anyconst"):
            yield from cell["connections"]["Y"]


def _by_chance(cell: Mapping[str, Any], port: str, bit: int, chances: set[int]) -> bool:
    """Whether a bit of a cell's port belongs to what such bits are for: of a memory to the reader
    or writer whose address they are."""
    found = cell["connections"]
    if not cell["type"].startswith("$mem"):
        return any(other in chances for bits in found.values() for other in bits)
    way, size = port[:2], int(cell["parameters"]["ABITS"], 2)
    width = size if port.endswith("ADDR") else int(cell["parameters"]["WIDTH"], 2)
    address = found[f"{way}_ADDR"][bit // width * size :][:size]
    return any(other in chances for other in address)


def mutated(text: str, top: str, mutant: Mutant, progress: Progress = silent) -> str:
    """The Verilog of a mutant; names of nets, memories and parts are those of the text."""
    return rewritten(text, top, [mutant.command], progress)


def selectable(
    text: str, top: str, mutants: Sequence[Mutant], port: str, progress: Progress = silent
) -> str:
    """Verilog with all the mutants in it: an input of the top module says which one lives, counted
    from 1; with 0 none does."""
    width = len(mutants).bit_length()
    commands = [
        f"{mutant.command} -ctrl {port} {width} {k}" for k, mutant in enumerate(mutants, start=1)
    ]
    return rewritten(text, top, commands, progress)


def rewritten(text: str, top: str, commands: Sequence[str], progress: Progress = silent) -> str:
    """Verilog of the netlist after some commands."""
    files = _yosys(text, top, [*commands, "write_verilog -noattr -norename out.v"], progress)
    return re.sub(r"\A/\*.*?\*/\s*", "", files["out.v"], flags=re.DOTALL)


def _deal(
    mutants: Sequence[Mutant],
    parts: Sequence[Callable[[Mutant], str]],
    chance: random.Random,
) -> Iterator[Mutant]:
    """One of each group in turn, and within a group likewise, until there are no more."""
    if not parts:
        yield from chance.sample(mutants, len(mutants))
        return
    groups: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault(parts[0](mutant), []).append(mutant)
    names = chance.sample(sorted(groups), len(groups))
    left = [_deal(groups[name], parts[1:], chance) for name in names]
    while left:
        drawn = [(next(group, None), group) for group in left]
        yield from (mutant for mutant, _ in drawn if mutant)
        left = [group for mutant, group in drawn if mutant]


def _yosys(text: str, top: str, commands: Sequence[str], progress: Progress) -> Mapping[str, str]:
    """The files that commands on the netlist write."""
    script = ["read_verilog in.v", f"hierarchy -top {top}", *PREPARE.split("; "), *commands, ""]
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(temporary)
        (folder / "in.v").write_text(text, encoding="utf-8", newline="\n")
        (folder / "script.ys").write_text("\n".join(script), encoding="utf-8", newline="\n")
        run(YOSYS, ["-q", "-s", "script.ys"], folder, "log", "Mutants", progress)
        return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
