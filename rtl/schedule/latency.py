"""Clocks that each pipeline takes: the one place where the schedule and the gateware look them up.

Every component asserts in `elaborate` that it was built with as many stages as stand here; a test
measures the composed figures on the running core. Cells with peepholes take a few clocks more.
"""

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
# A word whose flipped bit is mended: its memory, the register at its output, the mended word. Where
# a core is protected this takes the place of a register that stands there for the clock's sake.
GUARDED = MEMORY + 1
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


def activation(peepholes: bool) -> int:
    """A row's sum to its activation, in a core with peepholes or without."""
    return ACTIVATION + SEEN * peepholes


def output(peepholes: bool) -> int:
    """s to y."""
    return OUTPUT + LATE * peepholes


def row(sparse: bool) -> int:
    """`ROW`, in a core with sparse input or without."""
    return ROW + INDEX * sparse


def gate(peepholes: bool, sparse: bool = False) -> int:
    """`GATE`, in a core with peepholes or without, with sparse input or without."""
    return GATE + SEEN * peepholes + INDEX * sparse


def cell(peepholes: bool, sparse: bool = False) -> int:
    """`CELL`, in a core with peepholes or without, with sparse input or without."""
    return CELL + (SEEN + LATE) * peepholes + INDEX * sparse
