"""Clocks that each pipeline takes: the one place where the schedule and the gateware look them up.

Every component asserts in `elaborate` that it was built with as many stages as stand here; a test
measures the composed figures on the running core. What some cores take longer for is in `Depths`.
"""

from dataclasses import dataclass

# Weight memory, its output register, a hop: a weight's address travels so far ahead of its operand.
WEIGHT = 3
# Lane: input, pipeline and output registers of the multiplier, a hop, accumulator, collecting
# register.
LANE = 6
# A column's issue to the first lane: the program's output register, source memories and theirs,
# operand register.
OPERAND = 4
# A block RAM: its memory, and the register at its output.
MEMORY = 2
# A word whose flipped bit is mended: a block RAM, the check bits that do not fit, the mended word.
CHECKED = 1
GUARDED = MEMORY + CHECKED + 1
# A sparse input's element until its weight's address is known: memory, register, base + index.
INDEX = MEMORY + 1
# A reader of the states: memory, initial state or not, a multiplier's operand.
STATE_READ = MEMORY + 1 + 1
# sigma: knots, a multiplier's operands, product with the slope, sum.
SIGMA = MEMORY + 1 + 1 + 1
# A row's net input to its activation: saturation, sigma, squash.
SQUASH = 1 + SIGMA + 1
# A row's sum to its net input: a hop, one more for its bias to come out of its memory, their sum.
NET = 1 + 1 + 1
# An activation's way to the multipliers of the cells.
HOP = 1
# A row's sum to its activation.
ACTIVATION = NET + SQUASH + HOP
# Activation of a cell input to s: products, roundings, sum.
STATE = 1 + 1 + 1
# s to y: the squash h, product, rounding, saturation.
OUTPUT = SQUASH + 1 + 1 + 1
# A cell input's argument of sigma to that of h of its state.
H = SQUASH + HOP + STATE
# Peepholes: i and f wait for state, product and sum, behind the bias; o for product and sum,
# counted from s, where h(s) waits for nothing.
SEEN = STATE_READ + 1 + 1 - 1
LATE = 1 + 1
# Input beat to the step's first column: the bank's flag, the start, the program's memory.
START = 3
# Write to a FIFO until the word is offered: the count, memory, a second FIFO.
FIFO = 1 + MEMORY + 1
# An output until it is offered: a register, the FIFO.
LEAVE = 1 + FIFO
# An output that is taken until its place is seen to be free: taken, counted, seen by the sequencer.
RETURNED = 1 + 1 + 1
# Address of the state port until its word is there: memory, choice of memory.
STATE_PORT = MEMORY + 1

# A core that skips: from the choice of a column to its operand at the first lane (its place in a
# list, the memory of lists and its register, its weight's address); a kept sum (its memory, and the
# sum of both); the ends of lists until columns are chosen by them (a register, what follows of the
# place that is read); a value into a list (a register, the count, its end looked up), and before
# that its difference from the one that was used last (memory, difference).
SKIP_OPERAND = MEMORY + 1 + WEIGHT
SKIP_ROW = SKIP_OPERAND + LANE
KEPT = MEMORY
LOOKED = 1 + 1
LISTED = 1 + 1 + LOOKED
CHANGED = MEMORY + 1

ROW = OPERAND + LANE  # a group's last column issued to its first row's sum at the tail
GATE = ROW + ACTIVATION  # ... to a gate of that row written, and readable by a column issued then
CELL = GATE + STATE + OUTPUT  # ... to y of that row written, and readable by a column issued then


@dataclass(frozen=True)
class Depths:
    """Clocks of the pipelines that some cores have longer than what is said above.

    Each word of a protected core that is needed as soon as it is known which takes a clock more,
    for its check bits. Those that come in a fixed order are asked for as many clocks sooner.

    Attributes
    ----------
    peepholes, sparse, protected : whether the core has peepholes, sparse input, check bits.
    """

    peepholes: bool = False
    sparse: bool = False
    protected: bool = False

    @property
    def checked(self) -> int:
        """Check bits of a word."""
        return CHECKED * self.protected

    @property
    def fetch(self) -> int:
        """The address of a word of the program, or of a row, to the word."""
        return GUARDED if self.protected else MEMORY

    @property
    def start(self) -> int:
        """`START`; in a protected core a register holds whether a step may begin."""
        return START + (self.fetch - MEMORY) + self.protected

    @property
    def operand(self) -> int:
        """`OPERAND`."""
        return OPERAND + self.checked

    @property
    def row(self) -> int:
        """`ROW`."""
        return ROW + self.checked + INDEX * self.sparse

    @property
    def state_read(self) -> int:
        """`STATE_READ`."""
        return STATE_READ + self.checked

    @property
    def seen(self) -> int:
        """`SEEN`."""
        return SEEN + self.checked

    @property
    def sigma(self) -> int:
        """`SIGMA`."""
        return SIGMA + self.checked

    @property
    def squash(self) -> int:
        """`SQUASH`."""
        return SQUASH + self.checked

    @property
    def activation(self) -> int:
        """`ACTIVATION`, with peepholes `SEEN` clocks more."""
        return ACTIVATION + self.checked + self.seen * self.peepholes

    @property
    def output(self) -> int:
        """`OUTPUT`, with peepholes `LATE` clocks more."""
        return OUTPUT + self.checked + LATE * self.peepholes

    @property
    def h(self) -> int:
        """`H`."""
        return H + self.checked

    @property
    def gate(self) -> int:
        """`GATE`."""
        return GATE + (self.row - ROW) + (self.activation - ACTIVATION)

    @property
    def cell(self) -> int:
        """`CELL`."""
        return CELL + (self.gate - GATE) + (self.output - OUTPUT)

    @property
    def fifo(self) -> int:
        """`FIFO`."""
        return FIFO + self.checked

    @property
    def leave(self) -> int:
        """`LEAVE`."""
        return LEAVE + self.checked

    @property
    def returned(self) -> int:
        """`RETURNED`, and what a protected core takes longer to count and to begin a step."""
        return RETURNED + self.protected + (self.start - START)


PLAIN = Depths()
