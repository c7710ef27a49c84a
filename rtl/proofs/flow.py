"""The rows of a core, dense or skipping: what says of both where they stand."""

from rtl.proofs.harness import Harness
from rtl.proofs.marks import Mark
from rtl.proofs.rows import Rows, claim_rows
from rtl.proofs.skipping.marks import RowMark
from rtl.proofs.skipping.rows import SkipRows
from rtl.proofs.skipping.stages import claim_stages, leave_lists
from rtl.schedule.skipping import SkipSchedule
from rtl.step_plan import StepPlan

AnyMark = Mark | RowMark


def rows_of(core: StepPlan) -> Rows:
    """The rows of a step of a core."""
    return SkipRows(core) if isinstance(core.schedule, SkipSchedule) else Rows(core)


def claim_flow(h: Harness, rows: Rows) -> None:
    """The marks and counters of the tail are those of its rows, whatever a core's lists say."""
    if isinstance(rows, SkipRows):
        leave_lists(h)
        claim_stages(h, rows)
    else:
        claim_rows(h, rows)


def mark_of(h: Harness, rows: Rows, name: str) -> AnyMark:
    """One mark of the steps under way."""
    return RowMark(h, rows, name) if isinstance(rows, SkipRows) else Mark(h, rows, name)
