"""What the core of a model will need, at some numbers of lanes: from its shapes alone.

Every number is that of the core's plan, with numbers of `bits` bits. Weights then hold zeros: how
wide they are, and how many, is known without them.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, quantize
from golden import Network
from golden.wiring import labels
from rtl import CoreOptions, CorePlan, allowed_lanes, plan

SHOWN = 4  # numbers of lanes in a table
HELD = "for each step of --max-length", "besides"
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)  # of columns that are active


@dataclass(frozen=True)
class Need:
    """What is needed at a number of lanes.

    Attributes
    ----------
    lanes : what was asked for; of each part the most, where the core is made of several.
    plan : of the core.
    """

    lanes: int
    plan: CorePlan

    @property
    def multipliers(self) -> tuple[int, int]:
        """In the lanes, and behind them."""
        return self.plan.lanes, self.plan.tail_multipliers

    @property
    def held(self) -> tuple[int, int] | None:
        """Bits that hold sequences, for each step of the longest one and besides; None where none
        are held."""
        core, length = self.plan, self.plan.max_length
        if not core.holds_sequences:
            return None
        longer = replace(core, options=replace(core.options, max_length=length + 1))
        each = longer.buffer_bits - core.buffer_bits
        return each, core.buffer_bits - each * length

    @property
    def clocks(self) -> tuple[int, ...] | None:
        """Of a core that skips, cycles of a step in which `SHARES` of its columns are active."""
        if self.plan.options.skip is None:
            return None
        return tuple(map(self.plan.cycles_at, SHARES))

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Of a core of several parts, what each does and at which pace."""
        if not self.plan.holds_sequences:
            return []
        kinds = self.plan.qnet.dense_kind
        return [
            {
                "layers": list(part.layers),
                "direction": "reverse" if part.reverse else "forward",
                **{kind: sum(kinds(k) == kind for k in part.dense) for kind in ("stem", "dense")},
                "readout": any(kinds(k) == "out" for k in part.dense),
                "once_a_sequence": part.once,
                "lanes": core.schedule.lanes,
                "cycles_per_step": core.schedule.cycles_per_step,
            }
            for part, core in self.plan.pairs
        ]

    def plain(self) -> dict[str, Any]:
        """For programs."""
        core, (lanes, tail) = self.plan, self.multipliers
        found: dict[str, Any] = {
            "lanes": self.lanes,
            "multipliers": lanes + tail,
            "multipliers_behind_lanes": tail,
            "cycles_per_step": core.cycles_per_step,
            "ideal": core.ideal_cycles,
            "stall": core.stall_per_step,
            "utilisation": core.utilisation,
            "memory_bits": core.memories,
            "memory_bits_in_all": sum(core.memories.values()),
        }
        if self.clocks is not None:
            found["cycles_by_active_share"] = dict(zip(SHARES, self.clocks, strict=True))
        if self.held is not None:
            each, besides = self.held
            found["sequence_memory_bits_per_step"] = each
            found["sequence_memory_bits_besides"] = besides
            found["parts"] = self.parts
        return found


def of(net: Network, bits: int, lanes: int | None, skip: str | None = None) -> tuple[Need, ...]:
    """The needs on `lanes` lanes, or on some numbers of lanes from the fewest to the most.

    Raises
    ------
    LaneError : lanes that the network cannot use.
    UnsupportedError : no core can run the network.
    FormatError : bits that no format has.
    """
    qnet = _widths(net, bits)
    counts = some(allowed_lanes(qnet)) if lanes is None else (lanes,)
    return tuple(Need(count, plan(qnet, CoreOptions(count, skip=skip))) for count in counts)


def some(allowed: tuple[int, ...]) -> tuple[int, ...]:
    """A few of the allowed numbers of lanes, about as far apart as one another in proportion."""
    wanted = np.geomspace(allowed[0], allowed[-1], SHOWN)
    return tuple(sorted({min(allowed, key=lambda n: abs(n - want)) for want in wanted}))


def _widths(net: Network, bits: int) -> QuantizedNetwork:
    """A network of the same shapes and options with weights of 1, -1 and, where they are, 0, for
    which any formats do: the more weights formats round to 0, the fewer clocks a step takes."""
    layers = tuple(
        replace(
            layer,
            weights={kind: np.sign(values) for kind, values in layer.weights.items()},
            biases={kind: np.zeros_like(values) for kind, values in layer.biases.items()},
            peepholes={kind: np.zeros_like(values) for kind, values in layer.peepholes.items()},
            projection=None if layer.projection is None else np.sign(layer.projection),
        )
        for layer in net.layers
    )
    stem, head = (
        tuple(
            replace(stage, weights=np.sign(stage.weights), biases=np.zeros_like(stage.biases))
            for stage in stages
        )
        for stages in (net.stem, net.head)
    )
    plain = replace(net, layers=layers, stem=stem, head=head)
    return quantize(plain, bits=bits, calibrate=np.zeros((1, net.inputs)))


def tables(needs: tuple[Need, ...], bits: int) -> list[Table]:
    """For people."""
    first = needs[0]
    found = [
        Table.of(
            f"What the core will need (multipliers: lanes + tail; memory: bits, {bits} a value)",
            ("lanes", "multipliers", "cycles a step", "waiting", "in use", "memory"),
            map(_row, needs),
        ),
        Table.of(
            "Its memory by what it holds",
            ("lanes", *first.plan.memories),
            ([need.lanes, *(f"{n:,}" for n in need.plan.memories.values())] for need in needs),
        ),
    ]
    return [*found, *(_of_parts(needs) if first.parts else []), *_of_shares(needs)]


def _of_shares(needs: tuple[Need, ...]) -> list[Table]:
    """What a step takes of a core that skips."""
    if needs[0].clocks is None:
        return []
    head = (f"{100 * share:.0f} %" for share in SHARES)
    rows = ([need.lanes, *(f"{n:,}" for n in need.clocks or ())] for need in needs)
    return [Table.of("Cycles a step, by the share of active columns", ("lanes", *head), rows)]


def _row(need: Need) -> tuple[object, ...]:
    core = need.plan
    return (
        need.lanes,
        " + ".join(f"{count:,}" for count in need.multipliers),
        f"{core.cycles_per_step:,}",
        f"{core.stall_per_step:,}",
        f"{100 * core.utilisation:.1f} %",
        f"{sum(core.memories.values()):,}",
    )


def _of_parts(needs: tuple[Need, ...]) -> list[Table]:
    """The parts of a core that holds sequences, and what holding them takes."""
    rows, qnet = [], needs[0].plan.qnet
    names = labels(len(qnet.head), len(qnet.stem))
    for k, (part, _) in enumerate(needs[0].plan.pairs):
        direction = "reverse" if part.reverse else "forward"
        does = [f"{direction} layer {layer}" for layer in part.layers]
        does += [names[stage - len(qnet.layers)] for stage in part.dense]
        paces = (f"{need.parts[k]['cycles_per_step']:,}" for need in needs)
        rows.append((k, ", ".join(does), *paces))
    return [
        Table.of(
            "Cycles a step of its parts, each with the most of the lanes that it can use; the pace "
            "is that of the slowest",
            ("part", "does", *(f"lanes {need.lanes}" for need in needs)),
            rows,
        ),
        Table.of(
            "Memory that holds sequences, on top of the above",
            ("", "bits"),
            [
                (what, f"{bits:,}")
                for what, bits in zip(HELD, needs[0].held or (), strict=False)
                if bits
            ],
        ),
    ]
