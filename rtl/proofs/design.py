"""The Verilog under proof: read as text, so that what is proven is what is shipped."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rtl.proofs.errors import ProofError

NAME = r"(\\\S+|\w+)"
MODULE = re.compile(rf"^(?:\(\*.*\*\)\n)*module {NAME}\s*\(.*?^endmodule", re.M | re.S)
NET = re.compile(rf"^  (input|output|wire|reg) (?:\[(\d+):0\] )?{NAME}\s*(?:= *([^;]*))?;", re.M)
MEMORY = re.compile(rf"^  reg \[(\d+):0\] {NAME} +\[(\d+):0\];", re.M)
WORD = re.compile(rf"^    {NAME}\s*\[(\d+)\] = ([^;]*);", re.M)
INSTANCE = re.compile(rf"^  {NAME}\s+{NAME}\s*\($", re.M)


def plain(name: str) -> str:
    """A Verilog name without what escapes it."""
    return name.removeprefix("\\")


def escaped(name: str) -> str:
    """A name as Verilog takes any: escaped, and ended by a space."""
    return f"\\{name} "


@dataclass(frozen=True)
class Module:
    """A module of the text.

    Attributes
    ----------
    name, text : what it is called, and all of it.
    nets : bits of every net, ports among them, by name.
    inputs, outputs : those that come in and go out, in order.
    initial : what a register or a word of memory (`memory[3]`) holds at power-up, as Verilog.
    memories : words and bits of a word, by name.
    instances : the module of each part, by the part's name.
    """

    name: str
    text: str
    nets: Mapping[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    initial: Mapping[str, str]
    memories: Mapping[str, tuple[int, int]]
    instances: Mapping[str, str]

    @classmethod
    def parse(cls, name: str, text: str) -> "Module":
        nets, inputs, outputs = {}, [], []
        initial = {f"{plain(name)}[{k}]": value for name, k, value in WORD.findall(text)}
        for way, high, net, value in NET.findall(text):
            nets[plain(net)] = int(high or 0) + 1
            inputs += [plain(net)] if way == "input" else []
            outputs += [plain(net)] if way == "output" else []
            initial |= {plain(net): value} if value else {}
        memories = {
            plain(memory): (int(last) + 1, int(high) + 1)
            for high, memory, last in MEMORY.findall(text)
        }
        instances = {plain(part): plain(kind) for kind, part in INSTANCE.findall(text)}
        instances = {part: kind for part, kind in instances.items() if kind != "module"}
        ways = tuple(inputs), tuple(outputs)
        return cls(name, text, nets, *ways, initial, memories, instances)

    @property
    def hollow(self) -> str:
        """The text of one with the same ports, whose outputs take any value in every clock."""
        lines = []
        for way, ports in (("input", self.inputs), ("output", self.outputs)):
            for port in ports:
                net, bits = escaped(port), f"[{self.nets[port] - 1}:0]"
                lines.append(f"  {way} {bits} {net};")
                if way == "output":
                    free = escaped(f"any.{port}")
                    lines += [f"  (* anyseq *)\n  wire {bits} {free};", f"  assign {net} = {free};"]
        ports = ", ".join(escaped(port) for port in (*self.inputs, *self.outputs))
        body = "\n".join(lines)
        return f"module {escaped(self.name)}({ports});\n{body}\nendmodule"


@dataclass(frozen=True)
class Design:
    """A Verilog text, as `rtl.verilog` writes it.

    Attributes
    ----------
    text : modules, one after the other.
    top : the one that is not a part of another: the core's.
    """

    text: str
    top: str

    @cached_property
    def modules(self) -> dict[str, Module]:
        """All modules by name."""
        return {
            plain(each[1]): Module.parse(plain(each[1]), each[0])
            for each in MODULE.finditer(self.text)
        }

    def find(self, path: str) -> str:
        """The module of the part that lies at a path of the core, such as `cell.states`.

        Raises
        ------
        ProofError : a part that the core does not have.
        """
        name = self.top
        for part in path.split(".") if path else ():
            if part not in self.modules[name].instances:
                raise ProofError(f"{path}: {name} has no part {part}")
            name = self.modules[name].instances[part]
        return name

    def below(self, module: str) -> str:
        """The text of a module and of all that it is made of."""
        reached, open_ = {}, [module]
        while open_:
            name = open_.pop()
            if name not in reached:
                reached[name] = self.modules[name].text
                open_ += self.modules[name].instances.values()
        return "\n\n".join(reached.values()) + "\n"

    def net(self, module: str, path: str) -> tuple[int, str]:
        """The net or word of memory (`memory[3]`) at a path from a module on: its bits, and what it
        holds at power-up, as Verilog; empty where it is no register.

        Raises
        ------
        ProofError : a net that is not there.
        """
        here = self.modules[module]
        initial = here.initial.get(path, "")
        if path in here.nets:
            return here.nets[path], initial
        memory, _, place = path.partition("[")
        if memory in here.memories and int(place.rstrip("]")) < here.memories[memory][0]:
            return here.memories[memory][1], initial
        for part, kind in here.instances.items():
            if path.startswith(f"{part}."):
                return self.net(kind, path.removeprefix(f"{part}."))
        raise ProofError(f"{module} has no net {path}")

    def has(self, module: str, path: str) -> bool:
        """Whether there is such a net."""
        try:
            return bool(self.net(module, path))
        except ProofError:
            return False

    def replaced(self, module: str, old: str, new: str) -> "Design":
        """The design with one module changed: what the pattern `old` finds there becomes `new`.

        Raises
        ------
        ProofError : the pattern finds nothing, or more than one place.
        """
        text = self.modules[module].text
        changed, count = re.subn(old, new, text, flags=re.M)
        if count != 1:
            raise ProofError(f"{module}: {old} stands there {count} times, it must be once")
        return Design(self.text.replace(text, changed), self.top)

    def looked_at(self, module: str, memory: str, anything: bool = False) -> "Design":
        """The design with one more reader of a memory: `looked` is the word at `looks_at`, which is
        any address for all time. With `anything` nothing is said of what it holds at power-up."""
        here = self.modules[module]
        if "looked" in here.nets:
            return self
        words, bits = here.memories[memory]
        reader = (
            f"  (* anyconst *)\n  wire [{max(1, (words - 1).bit_length()) - 1}:0] looks_at;\n"
            f"  wire [{bits - 1}:0] looked;\n  assign looked = {memory}[looks_at];\n"
        )
        found = self.replaced(module, rf"^(  reg \[\d+:0\] {memory} \[\d+:0\];\n)", rf"\1{reader}")
        if not anything:
            return found
        begins = rf"^    {memory} ?\[\d+\] = [^;]*;\n"
        return found.with_modules(re.sub(begins, "", found.modules[module].text, flags=re.M))

    def hollow(self, modules: Iterable[str]) -> str:
        """The text of modules of which only the ports are left: what they give is free."""
        return "\n\n".join(self.modules[name].hollow for name in modules)

    def with_modules(self, text: str) -> "Design":
        """The design with the modules of a text in the place of those of the same name."""
        new = Design(text, self.top).modules
        texts = (module.text for module in {**self.modules, **new}.values())
        return Design("\n\n".join(texts) + "\n", self.top)
