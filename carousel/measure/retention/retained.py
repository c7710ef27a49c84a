"""All that is known of what a network keeps: shut gates, stored values after a lag, map, bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carousel.cli.subject import Subject
from carousel.measure.retention import bound, hold_check, lags, own
from carousel.measure.retention import maps as hold_map
from carousel.measure.retention.bound import Bounds
from carousel.measure.retention.hold_check import Held
from carousel.measure.retention.lags import Setting
from carousel.measure.retention.maps import Maps
from carousel.measure.retention.own import Own
from carousel.report.tables import Table
from fixedpoint.retention.gates_seen import Met
from fixedpoint.retention.ranges import Range

STILL = (
    "As trained, no sequence of its task's distractors, of any length, changes any state by one "
    "LSB, whatever y and the gates are: the bound is 0."
)
FOLLOWED = "its own input"  # ends the title of the setting that a sentence is about


@dataclass(frozen=True)
class Retained:
    """What was found of a subject.

    Attributes
    ----------
    held : the check that shut gates hold.
    settings : what is left of stored values.
    maps : what a step does.
    bounds : how far states can drift.
    reverse : whether layers run in reverse, so that trained gates were not followed.
    own : what became of what the sequences wrote, or None where that was not looked for.
    """

    held: Held
    settings: tuple[Setting, ...]
    maps: Maps
    bounds: Bounds
    reverse: bool
    own: Own | None = None

    @property
    def bounded(self) -> bool:
        """Whether no state that was followed is outside its bound and no code of gateware wrong."""
        return all(setting.ok for setting in self.settings)

    @property
    def notes(self) -> list[str]:
        """In words what could not be done, and gates that are not shut."""
        notes = [self.held.never] if self.held.never else []
        return [*notes, *hold_map.words(self.maps), *([lags.REVERSE] if self.reverse else [])]


def find(
    subject: Subject,
    held: Held,
    met: Sequence[Met],
    inputs: Mapping[str, Range],
    quick: bool,
) -> Retained:
    """Measure and bound.

    Parameters
    ----------
    met : what the gates came to in the subject's sequences.
    inputs : ranges to bound for, by name.
    quick : see `lags.measure`.

    Raises
    ------
    CarouselError : what `lags.measure` raises.
    """
    return Retained(
        held,
        lags.measure(subject, quick),
        hold_map.find(subject, met),
        bound.find(subject, inputs),
        subject.qnet.first_reverse is not None,
    )


def sentence(retained: Retained) -> str:
    """Whether states hold, and what is left of stored values, in short."""
    words = []
    if retained.held.never:
        words.append("Its gates are never exactly shut, so that no state is held for ever.")
    else:
        change, last = retained.held.largest, retained.held.results[-1].steps
        moved = f"moved by up to {change:,} LSB" if change else "was the same to the last bit"
        words.append(f"With its gates shut every state {moved} after {last:,} steps.")
    if retained.bounds.still:
        words.append(STILL)
    for setting in retained.settings:
        if setting.title.endswith(FOLLOWED):
            real, fixed = (f"{setting.least(view):.3g}" for view in ("float64", "fixed point"))
            left = "as large as" if fixed == "1" else f"{fixed} times as large as"
            words.append(
                f"As trained, what tells stored values apart is {left} at first "
                f"after {setting.lags[-1]:,} steps of {FOLLOWED} (float: {real})."
            )
    return " ".join(words)


def tables(retained: Retained) -> list[Table]:
    """For people."""
    return [
        hold_check.table(retained.held),
        *lags.tables(retained.settings),
        *([own.table(retained.own)] if retained.own else []),
        *hold_map.tables(retained.maps),
        *bound.tables(retained.bounds),
        *lags.checks(retained.settings),
    ]


def plain(retained: Retained) -> dict[str, Any]:
    """For programs."""
    return {
        **hold_check.plain(retained.held),
        "lags": lags.plain(retained.settings),
        **({"written": own.plain(retained.own)} if retained.own else {}),
        "retention": hold_map.plain(retained.maps),
        "bound": bound.plain(retained.bounds),
        "notes": retained.notes,
    }
