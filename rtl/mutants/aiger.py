"""And-inverter graphs: what all logic becomes for a solver, in the format that is called AIGER.

A literal is an even number, a node of the graph, or that number plus 1, which is its inverse; 0 and
1 are the constants. Equal nodes are one node, so that equal logic over equal inputs is one literal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class Graph:
    """A graph that grows."""

    def __init__(self) -> None:
        self.size = 1
        self.ands: list[tuple[int, int, int]] = []
        self.known: dict[tuple[int, int], int] = {}

    def new(self) -> int:
        """A literal of its own."""
        self.size += 1
        return 2 * (self.size - 1)

    def both(self, a: int, b: int) -> int:
        a, b = min(a, b), max(a, b)
        if a < 2:
            return b if a else 0
        if a ^ b < 2:
            return a if a == b else 0
        if (a, b) not in self.known:
            self.known[a, b] = node = self.new()
            self.ands.append((node, a, b))
        return self.known[a, b]

    def either(self, a: int, b: int) -> int:
        return self.both(a ^ 1, b ^ 1) ^ 1

    def differ(self, a: int, b: int) -> int:
        return self.either(self.both(a, b ^ 1), self.both(a ^ 1, b))


@dataclass(frozen=True)
class Machine:
    """Logic with registers, which are all 0 at power-up.

    Attributes
    ----------
    inputs : literals, by name.
    registers : of each its literal and that of what it is next.
    outputs : literals.
    ands : of each node its literal and those of its two inputs, which come before it.
    """

    inputs: Mapping[str, int]
    registers: Sequence[tuple[int, int]]
    outputs: Sequence[int]
    ands: Sequence[tuple[int, int, int]]

    def cone(self, output: int) -> "Machine":
        """What one of the outputs depends on."""
        feeds = {node: (a & ~1, b & ~1) for node, a, b in self.ands}
        feeds |= {register: (following & ~1,) for register, following in self.registers}
        seen, open_ = set[int](), [self.outputs[output] & ~1]
        while open_:
            node = open_.pop()
            if node not in seen:
                seen.add(node)
                open_ += feeds.get(node, ())
        registers = [each for each in self.registers if each[0] in seen]
        ands = [each for each in self.ands if each[0] in seen]
        return Machine(self.inputs, registers, [self.outputs[output]], ands)

    def write(self, path: Path) -> None:
        """Write in binary."""
        order = [
            *self.inputs.values(),
            *(r for r, _ in self.registers),
            *(n for n, *_ in self.ands),
        ]
        places = {0: 0} | {node: 2 * k for k, node in enumerate(order, start=1)}

        def placed(literal: int) -> int:
            return places[literal & ~1] | literal & 1

        counts = (len(self.inputs), len(self.registers), len(self.outputs), len(self.ands))
        lines = [f"aig {len(order)} {' '.join(map(str, counts))}"]
        lines += [str(placed(following)) for _, following in self.registers]
        lines += [str(placed(output)) for output in self.outputs]
        packed = bytearray()
        for node, a, b in self.ands:
            high, low = sorted((placed(a), placed(b)), reverse=True)
            packed += bytes((*_packed(places[node] - high), *_packed(high - low)))
        path.write_bytes("".join(f"{line}\n" for line in lines).encode() + packed)


def read_text(text: str) -> Machine:
    """A machine from the form of the format that is text, as Yosys writes it, names included."""
    header, *lines = text.splitlines()
    _, inputs, registers, outputs, ands = map(int, header.split()[1:6])
    rows = iter(
        [int(word) for word in line.split()]
        for line in lines[: inputs + registers + outputs + ands]
    )
    taken = [next(rows)[0] for _ in range(inputs)]
    held = [(row[0], row[1]) for row in (next(rows) for _ in range(registers))]
    given = [next(rows)[0] for _ in range(outputs)]
    nodes = sorted((row[0], row[1], row[2]) for row in rows)
    words = (line.split() for line in lines[inputs + registers + outputs + ands :])
    names = {word[0]: word[1] for word in words if len(word) == 2}
    return Machine(
        {names.get(f"i{k}", f"i{k}"): literal for k, literal in enumerate(taken)},
        held,
        given,
        nodes,
    )


def read(path: Path) -> Machine:
    """A machine from the binary form."""
    content = path.read_bytes()
    header, _, rest = content.partition(b"\n")
    _, inputs, registers, outputs, ands = map(int, header.split()[1:6])
    lines = rest.split(b"\n", registers + outputs)
    numbers = _unpacked(lines.pop())
    held = [int(line.split()[0]) for line in lines[:registers]]
    first, nodes = 2 * (inputs + registers + 1), []
    for node in range(first, first + 2 * ands, 2):
        high = node - next(numbers)
        nodes.append((node, high, high - next(numbers)))
    return Machine(
        {f"i{k}": 2 * (k + 1) for k in range(inputs)},
        [(2 * (inputs + 1 + k), following) for k, following in enumerate(held)],
        [int(line) for line in lines[registers:]],
        nodes,
    )


def _packed(number: int) -> Iterator[int]:
    """Seven bits a byte, the lowest first."""
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number


def _unpacked(content: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in content:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
