"""The error budget: how much of the output's error comes from which quantiser.

The quantisers of a group, and every quantiser (`fixedpoint.budget.quantisers`), are switched on
alone, and switched off alone, in an otherwise float or otherwise integer network
(`fixedpoint.budget.mixed`). e is the output of such a network less that of the float one, over all
sequences, steps and outputs:

    share of q = mean e^2 with only q on / sum of it over all groups, or over all quantisers

Small errors of parts that do not depend on one another add up as powers (Widrow & Kollar 2008,
"Quantization Noise"): the sum is then the mean e^2 of all together. `Budget.explained` says how far
that is so.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fixedpoint.budget.error import BlockError, merged, over_time
from fixedpoint.budget.histogram import CodeUse, Watched
from fixedpoint.budget.mixed import run_mixed
from fixedpoint.budget.quantisers import GROUPS, Quantiser, Quantisers, quantisers
from fixedpoint.network import QuantizedNetwork
from golden.network import Network
from golden.squash import Array
from golden.trace import mismatches

SEQUENCES = 4
BLOCKS = 40  # that the steps are divided into
SHORTEST = 16  # steps
WORK = 15.0  # seconds, about
STEP, WEIGHT = 250e-6, 1e-8  # seconds that a layer and each weight take of a step, on and off

Quantised = Mapping[str, Quantiser]


@dataclass(frozen=True)
class PartError:
    """What one quantiser, or a group of them, does to the output.

    Attributes
    ----------
    name, group : see `fixedpoint.budget.quantisers`; the same for a group.
    alone : the output's error with only this on, block by block.
    without : the output's error with all on but this.
    limits : the output's error with only its limits on and not its rounding; None where, with all
        on, nothing was beyond them.
    """

    name: str
    group: str
    alone: tuple[BlockError, ...]
    without: BlockError
    limits: BlockError | None

    @property
    def whole(self) -> BlockError:
        """`alone` over all steps."""
        return _whole(self.alone)


@dataclass(frozen=True)
class Budget:
    """The budget of one network on some sequences.

    Attributes
    ----------
    groups, parts : one for each group, one for each quantiser; no parts where only the groups were
        asked for.
    together : the output's error with all on, block by block.
    uses : by quantiser with limits, how its codes lie in their range with all on.
    unequal : values with all on, of any signal, that are not exactly the integer model's.
    sequences, steps : how many of each were run.
    fixed : the outputs with all on.
    """

    groups: tuple[PartError, ...]
    parts: tuple[PartError, ...]
    together: tuple[BlockError, ...]
    uses: dict[str, CodeUse]
    unequal: int
    sequences: int
    steps: int
    fixed: Array

    @property
    def whole(self) -> BlockError:
        """`together` over all steps."""
        return _whole(self.together)

    @property
    def shares(self) -> dict[str, float]:
        """By quantiser, in all 1; 0 everywhere where the output is exact."""
        return _shares({part.name: part.whole.rmse**2 for part in self.parts})

    @property
    def group_shares(self) -> dict[str, float]:
        """By group, in all 1; 0 everywhere where the output is exact."""
        return _shares({part.name: part.whole.rmse**2 for part in self.groups})

    @property
    def shares_over_time(self) -> tuple[tuple[int, dict[str, float]], ...]:
        """By group, for each block: its first step and the shares within it."""
        return tuple(
            (block.step, _shares({part.name: part.alone[k].rmse ** 2 for part in self.groups}))
            for k, block in enumerate(self.together)
        )

    @property
    def explained(self) -> float | None:
        """Sum of the groups' mean e^2 / that of all together; None where the output is exact."""
        together = self.whole.rmse**2
        return sum(part.whole.rmse**2 for part in self.groups) / together if together else None

    def as_dict(self) -> dict[str, Any]:
        """Everything but the outputs, ready for JSON."""
        over_time = [{"step": step, **groups} for step, groups in self.shares_over_time]
        return {
            "sequences": self.sequences,
            "steps": self.steps,
            "unequal": self.unequal,
            "explained": self.explained,
            "rmse": self.whole.rmse,
            "max_abs": self.whole.max_abs,
            "groups": _plain(self.groups, self.group_shares),
            "group_shares_over_time": over_time,
            "quantisers": _plain(self.parts, self.shares),
            "codes": {name: use.as_dict() for name, use in self.uses.items()},
        }


def account(
    net: Network,
    qnet: QuantizedNetwork,
    x: Array,
    groups_only: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Budget:
    """The budget of `qnet`, which was made of `net`, on real input x (N, T, D), from its own start.

    Parameters
    ----------
    x : as many sequences and steps as are wanted; see `affordable`.
    groups_only : leave out the single quantisers.
    progress : called with how many groups and quantisers are done, and how many there are.

    Raises
    ------
    InputError : input that does not fit the network.
    """
    every = quantisers(net, qnet)
    seen = {name: Watched(quantiser) for name, quantiser in every.items() if quantiser.limits}
    real = net.run(x)
    fixed = run_mixed(net, qnet, {**every, **seen}, x)
    codes, _ = qnet.encode(x)
    first, block = x.shape[1] - real.out.shape[1], math.ceil(x.shape[1] / BLOCKS)
    uses = {name: one.use() for name, one in seen.items()}

    def error(on: Quantisers) -> tuple[BlockError, ...]:
        return over_time(run_mixed(net, qnet, on, x).out - real.out, first, block)

    def part(name: str, members: Quantised) -> PartError:
        others = {other: q for other, q in every.items() if other not in members}
        met = {n: replace(q, rounds=False) for n, q in members.items() if _saturates(uses, n)}
        limits = _whole(error(met)) if met else None
        group = next(iter(members.values())).group
        return PartError(name, group, error(members), _whole(error(others)), limits)

    groups, singles = _groups(every), {} if groups_only else {n: {n: q} for n, q in every.items()}
    errors: list[PartError] = []
    for name, members in (*groups.items(), *singles.items()):
        errors.append(part(name, members))
        if progress:
            progress(len(errors), len(groups) + len(singles))
    return Budget(
        groups=tuple(errors[: len(groups)]),
        parts=tuple(errors[len(groups) :]),
        together=over_time(fixed.out - real.out, first, block),
        uses=uses,
        unequal=sum(mismatches(fixed, qnet.run(codes).real()).values()),
        sequences=x.shape[0],
        steps=x.shape[1],
        fixed=fixed.out,
    )


def affordable(net: Network, qnet: QuantizedNetwork, x: Array, groups_only: bool = False) -> Array:
    """The first sequences and steps of x (N, T, D): so many that a budget takes some seconds."""
    weights = (sum(w.size for w in layer.weights.values()) for layer in net.layers)
    every = quantisers(net, qnet)
    parts = len(_groups(every)) + (0 if groups_only else len(every))
    pace = parts * sum(STEP + WEIGHT * count for count in weights)
    return x[:SEQUENCES, : max(SHORTEST, int(WORK / pace))]


def _groups(every: Quantised) -> dict[str, Quantised]:
    """The quantisers by group, of those groups that there are."""
    members = {group: {n: q for n, q in every.items() if q.group == group} for group in GROUPS}
    return {group: names for group, names in members.items() if names}


def _saturates(uses: Mapping[str, CodeUse], name: str) -> bool:
    return name in uses and uses[name].saturations > 0


def _whole(blocks: Sequence[BlockError]) -> BlockError:
    """The error over all blocks."""
    return merged(blocks, 1)[0]


def _shares(squares: Mapping[str, float]) -> dict[str, float]:
    """Each one's part of the sum."""
    total = sum(squares.values())
    return {name: square / total if total else 0.0 for name, square in squares.items()}


def _plain(parts: Sequence[PartError], shares: Mapping[str, float]) -> dict[str, Any]:
    """Parts by name, ready for JSON."""
    return {
        part.name: {
            "group": part.group,
            "share": shares[part.name],
            "alone": asdict(part.whole),
            "all_but": asdict(part.without),
            "limits_alone": part.limits and asdict(part.limits),
        }
        for part in parts
    }
