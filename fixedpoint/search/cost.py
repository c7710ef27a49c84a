"""What a core of these formats will take of an FPGA, from the integer network alone.

    total = LUT4s + multiplier bits + memory bits / 16

so that everything has one unit: the LUT4s of an FPGA that has nothing else. There a product of m
and n bits is m n full adders, one a LUT4, and 16 bits of memory fill one. LUT4s themselves are an
estimate, a straight line through cores that were synthesised for an ECP5 (`bench/bench_luts.py`).

Counted is one core with one stream and a tail that takes a row at a time. Of a core that holds
sequences, the buffers and the other parts' inputs are left out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fixedpoint.network import QuantizedNetwork
from fixedpoint.paths import Paths
from fixedpoint.resources import memories, tail_multipliers
from fixedpoint.squash import GUARD

LANE, TAIL, REST = 1.60, 1.84, 496  # LUT4s a bit of `circuits`, and of what has no width
BITS_PER_LUT4 = 16


@dataclass(frozen=True)
class Cost:
    """What is taken.

    Attributes
    ----------
    operand, weight : bits of the two operands of a lane's multiplier, signed.
    products : bits of one operand times bits of the other, summed over all multipliers.
    memories : bits by what they hold; the program's are left out, as no format changes them.
    luts : LUT4s of adders, multiplexers and all else, estimated.
    """

    operand: int
    weight: int
    products: int
    memories: Mapping[str, int]
    luts: int

    @property
    def memory(self) -> int:
        """Bits of all memories."""
        return sum(self.memories.values())

    @property
    def total(self) -> float:
        """Everything in LUT4s, see above."""
        return self.luts + self.products + self.memory / BITS_PER_LUT4

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "memory": self.memory, "total": self.total}


def cost(qnet: QuantizedNetwork, lanes: int) -> Cost:
    """The cost of `qnet` on `lanes` lanes."""
    paths, bits = Paths.of(qnet), circuits(qnet, lanes)
    products = lanes * paths.operand * paths.weight
    products += sum(one * other for one, other in tail_multipliers(qnet))
    luts = round(LANE * bits["lanes"] + TAIL * bits["tail"] + REST)
    return Cost(paths.operand, paths.weight, products, memories(qnet), luts)


def circuits(qnet: QuantizedNetwork, lanes: int) -> dict[str, int]:
    """Bits of adders and multiplexers: of the lanes' accumulators, and of the steps of the tail.

    The tail adds a bias, clips net inputs, interpolates and scales sigma, twice, rounds the three
    products i g, f s and o h(s), and clips what the head gives.
    """
    paths, table = Paths.of(qnet), qnet.table
    line = table.value.width + GUARD + table.low_bits
    squash = table.argument.width + line + table.value.width
    products = paths.gate + paths.g + paths.gate + 2 * paths.s + paths.gate + paths.h
    out = qnet.head[-1].target.width if qnet.head else 0
    return {"lanes": lanes * paths.sum, "tail": paths.sum + 2 * squash + products + paths.y + out}
