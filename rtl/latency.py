"""Clocks that each pipeline takes: the one place where the schedule and the gateware look them up.

Every component asserts in `elaborate` that it was built with as many stages as stand here; a test
measures the composed figures on the running core.
"""

# Lane: weight memory, multiplier operands, product, accumulator, collecting register.
LANE = 5
# Sequencer to the first lane: column memory, source memories, operand register.
OPERAND = 3
# sigma: knots, product with the slope, sum.
SIGMA = 3
# A row's sum to its activation: bias, rounding, sigma, squash.
ACTIVATION = 2 + SIGMA + 1
# Activation of a cell input to s: products, sum.
STATE = 2
# s to y: rounding, sigma, squash, product, rounding.
OUTPUT = 1 + SIGMA + 1 + 1 + 1
# Input beat to the sequencer's first column: the full flag, the start.
START = 2
# Write to the output FIFO until the beat is offered.
FIFO = 2

ROW = OPERAND + LANE  # a group's last column issued to its first row's sum at the tail
GATE = ROW + ACTIVATION  # ... to a gate of that row written, and readable by a column issued then
CELL = GATE + STATE + OUTPUT  # ... to y of that row written, and readable by a column issued then
