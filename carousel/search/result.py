"""What a search found, compared with uniform widths, as tables."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from carousel.report.tables import Table
from fixedpoint.search.evaluation import Evaluation
from fixedpoint.search.search import Goal, Search, front
from fixedpoint.search.space import RULE
from fixedpoint.widths import KINDS

REFERENCE = 16  # bits of the rule's widths that every choice is compared with


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes
    ----------
    state : the search, with its goal and all that was tried.
    lanes : of the core whose cost counts.
    best, held_out : the choice, on what was searched and on what was held out.
    reference : what the rule gives for `REFERENCE` bits.
    stopped : after how many minutes the search was ended, or None where it came to its end.
    """

    state: Search
    lanes: int
    best: Evaluation
    held_out: Evaluation
    reference: Evaluation
    stopped: float | None = None

    @property
    def goal(self) -> Goal:
        return self.state.goal

    @property
    def starts(self) -> dict[str, list[Evaluation]]:
        """What was tried of the rule's widths and of uniform ones, the narrowest first."""
        known = self.state.known
        tried = {
            name: [known[widths] for widths in family if widths in known]
            for name, family in self.state.space.starts.items()
        }
        return {name: [e for e in found if e.cost is not None] for name, found in tried.items()}

    @property
    def sentence(self) -> str:
        """Whether the search came to its end, and whether what it found does."""
        best = f"cost {self.best.cost.total:,.0f}" if self.best.cost else "no cost"
        tried = f"{self.state.tried:,} formats were tried"
        if self.stopped is None:
            return f"Search: {tried}; no change of one width or of two is better ({best})."
        kept = "" if self.goal.met(self.held_out) else ", which misses the goal on data held out"
        return (
            f"Search: ended after {self.stopped:g} min with the best so far ({best}){kept}; "
            f"{tried}, and the same command goes on from there."
        )


def columns(result: SearchResult) -> dict[str, Evaluation]:
    """What is laid side by side, by name."""
    shown = {"found": result.best}
    for name, family in result.starts.items():
        if met := list(filter(result.goal.met, family)):
            best = min(met, key=result.goal.rank)
            shown[f"{name}, {best.widths.input} bits"] = best
    return {**shown, f"{RULE}, {REFERENCE} bits": result.reference}


def tables(result: SearchResult) -> list[Table]:
    """For people."""
    shown = columns(result)
    rows = zip(*map(_column, shown.values()), strict=True)
    names = [*(f"bits of {kind}" for kind in KINDS), *FIGURES]
    title = f"Formats found, of {result.state.tried:,} tried, for {result.lanes} lanes"
    cells = ((name, *row) for name, row in zip(names, rows, strict=True))
    return [Table.of(title, ("", *shown), cells), _held_out(result)]


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


def _held_out(result: SearchResult) -> Table:
    """The choice on data that the search has not seen."""
    rows = []
    for name, each in (("searched", result.best), ("held out", result.held_out)):
        right = "-" if each.right is None else f"{each.right}, float {each.right_in_float}"
        met = "yes" if result.goal.met(each) else "no"
        rows.append((name, f"{each.rmse:.3g}", f"{each.max_abs:.3g}", right, met))
    title = "What was found, on the data of the search and on data held out"
    if result.state.limit < math.inf:
        title += (
            f"; to meet the goal there it was searched with an RMSE of {result.state.limit:.3g}"
        )
    return Table.of(title, ("data", "RMSE", "largest", "sequences right", "meets the goal"), rows)


def plain(result: SearchResult) -> dict[str, Any]:
    """For programs."""
    return {
        "goal": asdict(result.goal),
        "lanes": result.lanes,
        "tried": result.state.tried,
        "stopped_after_minutes": result.stopped,
        "limit": result.state.limit if result.state.limit < math.inf else None,
        "found": _plain(result.best),
        "held_out": _plain(result.held_out),
        **{name: [_plain(each) for each in family] for name, family in result.starts.items()},
        "reference": _plain(result.reference),
        "front": [_plain(each) for each in front(result.state.known.values())],
    }


def _plain(each: Evaluation) -> dict[str, Any]:
    return {**each.as_dict(), "cost": each.cost and each.cost.as_dict()}
