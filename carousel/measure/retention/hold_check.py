"""The hold check at two lengths: with the gates shut a state must not change by one LSB."""

from dataclasses import dataclass
from typing import Any

from carousel.cli import progress
from carousel.cli.progress import Progress
from carousel.cli.subject import Subject
from carousel.report.tables import Table
from fixedpoint.retention.hold import HoldResult, NeverShutError, check_hold

SHORT, LONG = (1_000, 4), (1_000_000, 1)  # steps, sequences
TITLE = "States with their gates shut"


@dataclass(frozen=True)
class Held:
    """What the hold check found.

    Attributes
    ----------
    results : one for each length.
    never : why no state of this network can be held for ever, and so nothing was checked; or None.
    """

    results: tuple[HoldResult, ...] = ()
    never: str | None = None

    @property
    def ok(self) -> bool:
        """Whether all states held."""
        return self.never is None and all(result.holds for result in self.results)

    @property
    def largest(self) -> int:
        """The largest change of any state, in LSB."""
        return max((max(result.largest_change_lsb) for result in self.results), default=0)


def check(subject: Subject, quick: bool) -> Held:
    """A thousand steps and, unless `quick`, a million; none where no gate can be kept shut."""
    checks = []
    for count, sequences in (SHORT,) if quick else (SHORT, LONG):
        with progress.bar(f"Hold check, {count:,} steps") as report:

            def tell(done: int, total: int = count, report: Progress = report) -> None:
                report(done, total)

            try:
                checks.append(check_hold(subject.qnet, count, sequences, progress=tell))
            except NeverShutError as reason:
                return Held(never=str(reason))
    return Held(tuple(checks))


def table(held: Held) -> Table:
    """For people."""
    if held.never is not None:
        return Table.of(f"{TITLE}: not checked", ("",), [(held.never,)])
    rows = []
    for result in held.results:
        for layer, change in enumerate(result.largest_change_lsb):
            forget = result.shut_forget_gate[layer]
            shut = f"i = 0 below {result.shut_input_gate[layer]:.3f}"
            shut += "" if forget is None else f", f = 1 above {forget:.3f}"
            holds = "no" if change else "yes"
            rows.append((f"{result.steps:,}", layer, shut, f"{change} LSB", holds))
    head = ("steps", "layer", "gates shut at net input", "largest change", "holds")
    return Table.of(TITLE, head, rows)


def plain(held: Held) -> dict[str, Any]:
    """For programs."""
    return {"hold": [result.as_dict() for result in held.results], "never_shut": held.never}
