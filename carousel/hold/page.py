"""The page of `carousel hold`."""

from collections.abc import Mapping
from typing import Any

from carousel.cli.subject import Subject
from carousel.measure.retention import hold_check, retained
from carousel.measure.retention.retained import Retained
from carousel.measure.retention.sections import sections
from carousel.report import html, parts


def render(
    subject: Subject, found: Retained, drawn: Mapping[str, str], again: dict[str, Any]
) -> str:
    """The page of `carousel hold`.

    Parameters
    ----------
    drawn : what `figures` gave.
    again : what it takes to repeat it.
    """
    name = subject.net.name
    ok = "good" if found.held.ok and found.bounded else "bad"
    return html.page(
        f"Carousel: what {name} keeps",
        [
            f"<h1>{html.escape(name)}: what it keeps</h1>",
            html.paragraph(f"Input: {subject.inputs.source}.", "lead"),
            html.paragraph(retained.sentence(found), f"verdict {ok}"),
            parts.table(hold_check.table(found.held)),
            *sections(found, drawn),
            *parts.formats(subject.qnet.formats),
            *parts.repeat(again),
        ],
    )
