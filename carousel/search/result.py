"""What a search found, compared with uniform widths, as tables."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from carousel.report.tables import Table
from fixedpoint.search.evaluation import Evaluation
from fixedpoint.search.search import Goal, Search, front
from fixedpoint.widths import KINDS

REFERENCE = 16  # bits of the uniform widths that every choice is compared with


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes
    ----------
    state : the search, with its goal and all that was tried.
    lanes : of the core whose cost counts.
    best, held_out : the choice, on what was searched and on what was held out.
    reference : uniform widths of `REFERENCE` bits.
    """

    state: Search
    lanes: int
    best: Evaluation
    held_out: Evaluation
    reference: Evaluation

    @property
    def goal(self) -> Goal:
        return self.state.goal

    @property
    def uniform(self) -> list[Evaluation]:
        """All uniform widths that were tried, the narrowest first."""
        able = [each for each in self.state.known.values() if each.cost is not None]
        found = [each for each in able if each.widths.same and not each.widths.tight]
        return sorted(found, key=lambda each: each.widths.input)

    @property
    def best_uniform(self) -> Evaluation | None:
        """The best of these that meets the goal."""
        return min(filter(self.goal.met, self.uniform), key=self.goal.rank, default=None)


def columns(found: SearchResult) -> dict[str, Evaluation]:
    """What is laid side by side, by name."""
    shown = {"found": found.best}
    for each in (found.best_uniform, found.reference):
        if each is not None:
            shown[f"uniform, {each.widths.input} bits"] = each
    return shown


def tables(found: SearchResult) -> list[Table]:
    """For people."""
    shown = columns(found)
    rows = zip(*map(_column, shown.values()), strict=True)
    names = [*(f"bits of {kind}" for kind in KINDS), *FIGURES]
    title = f"Formats found, of {len(found.state.known):,} tried, for {found.lanes} lanes"
    cells = ((name, *row) for name, row in zip(names, rows, strict=True))
    return [Table.of(title, ("", *shown), cells), _held_out(found)]


FIGURES = (
    "y holds twice what was seen",
    "multiplier of a lane",
    "multiplier bits",
    "memory bits",
    "LUT4, estimated",
    "cost, LUT4 in all",
    "RMSE",
    "largest error",
    "sequences right",
)


def _column(each: Evaluation) -> Iterator[str]:
    yield from (str(getattr(each.widths, kind)) for kind in KINDS)
    cost = each.cost
    assert cost is not None, "formats that cannot work are not shown"
    yield "yes" if each.widths.tight else "no"
    yield f"{cost.operand} x {cost.weight}"
    yield from (f"{n:,}" for n in (cost.products, cost.memory, cost.luts))
    yield f"{cost.total:,.0f}"
    yield from (f"{error:.3g}" for error in (each.rmse, each.max_abs))
    yield "-" if each.right is None else str(each.right)


def _held_out(found: SearchResult) -> Table:
    """The choice on data that the search has not seen."""
    rows = []
    for name, each in (("searched", found.best), ("held out", found.held_out)):
        right = "-" if each.right is None else f"{each.right}, float {each.right_in_float}"
        met = "yes" if found.goal.met(each) else "no"
        rows.append((name, f"{each.rmse:.3g}", f"{each.max_abs:.3g}", right, met))
    title = "What was found, on the data of the search and on data held out"
    if found.state.limit < math.inf:
        title += f"; to meet the goal there it was searched with an RMSE of {found.state.limit:.3g}"
    return Table.of(title, ("data", "RMSE", "largest", "sequences right", "meets the goal"), rows)


def plain(found: SearchResult) -> dict[str, Any]:
    """For programs."""
    return {
        "goal": asdict(found.goal),
        "lanes": found.lanes,
        "tried": len(found.state.known),
        "limit": found.state.limit if found.state.limit < math.inf else None,
        "found": _plain(found.best),
        "held_out": _plain(found.held_out),
        "uniform": [_plain(each) for each in found.uniform],
        "reference": _plain(found.reference),
        "front": [_plain(each) for each in front(found.state.known.values())],
    }


def _plain(each: Evaluation) -> dict[str, Any]:
    return {**each.as_dict(), "cost": each.cost and each.cost.as_dict()}
