"""The hold check at two lengths: with the gates shut a state must not change by one LSB."""

from typing import Any

from carousel import steps
from carousel.tables import Table
from fixedpoint.hold import HoldResult, check_hold

SHORT, LONG = (1_000, 4), (1_000_000, 1)  # steps, sequences

Held = tuple[HoldResult, ...]


def check(subject: steps.Subject, quick: bool) -> Held:
    """A thousand steps and, unless `quick`, a million."""
    found = []
    for count, sequences in (SHORT,) if quick else (SHORT, LONG):
        with steps.progress(f"Hold check, {count:,} steps") as report:

            def tell(done: int, total: int = count, report: steps.Report = report) -> None:
                report(done, total)

            found.append(check_hold(subject.qnet, count, sequences, progress=tell))
    return tuple(found)


def holds(found: Held) -> bool:
    return all(result.holds for result in found)


def table(found: Held) -> Table:
    """For people."""
    rows = []
    for result in found:
        for layer, change in enumerate(result.largest_change_lsb):
            forget = result.shut_forget_gate[layer]
            shut = f"i = 0 below {result.shut_input_gate[layer]:.3f}"
            shut += "" if forget is None else f", f = 1 above {forget:.3f}"
            holds = "no" if change else "yes"
            rows.append((f"{result.steps:,}", layer, shut, f"{change} LSB", holds))
    head = ("steps", "layer", "gates shut at net input", "largest change", "holds")
    return Table.of("States with their gates shut", head, rows)


def plain(found: Held) -> list[dict[str, Any]]:
    """For programs."""
    return [result.as_dict() for result in found]
