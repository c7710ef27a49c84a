"""The report of `carousel quantize`: what the number formats cost, and which of them cost it."""

from typing import Any

from carousel.cli.subject import Subject
from carousel.measure import accuracy
from carousel.measure.accuracy import Measured
from carousel.measure.budget import account
from carousel.measure.budget import plots as budget_plots
from carousel.measure.budget.account import Accounted
from carousel.measure.budget.section import section
from carousel.report import html, parts, plots

NAMES = (
    "A quantiser rounds and limits one signal, or the weights of one kind. Its name begins with "
    "the number of its layer: 0.i g and 0.f s are the products that make up a state, 0.net i is a "
    "net input on its way to the sigma table, 0.weights x g are the weights between x and the cell "
    "inputs."
)
IDLE = (
    "Idle above: bits at the upper end that no code had need of (a gate has one for 1.0 alone). "
    "Idle below: bits at the lower end that were 0 in every code. In the figure a height is the "
    "square root of how often, so that what is rare can be seen."
)


def render(
    subject: Subject, measured: Measured, accounted: Accounted, again: dict[str, Any]
) -> str:
    """The whole page; `again` is what it takes to repeat it."""
    net, budget = subject.net, accounted.budget
    return html.page(
        f"Carousel: number formats of {net.name}",
        [
            f"<h1>{html.escape(net.name)}: number formats</h1>",
            html.paragraph(f"Input: {subject.inputs.source}.", "lead"),
            html.paragraph(accounted.sentence, "verdict"),
            *_answers(accounted),
            *section(accounted),
            html.heading("Every quantiser"),
            html.figure(
                plots.svg(budget_plots.alone(budget), "alone"),
                "RMSE of the output with one quantiser on and all others off, and its share.",
            ),
            html.paragraph(NAMES),
            parts.table(account.quantisers(accounted), titled=False),
            parts.table(account.weights(accounted)),
            *_over_time(accounted),
            html.heading("Codes against their ranges"),
            html.figure(
                plots.svg(budget_plots.ranges(budget.uses), "ranges"),
                "How often codes lie where in their range, with all quantisers on.",
            ),
            html.paragraph(IDLE),
            parts.table(account.codes(accounted), titled=False),
            html.heading("Fixed point against float"),
            html.paragraph(f"Over all of the input: {subject.inputs.source}."),
            parts.table(accuracy.table(measured), titled=False),
            parts.table(accuracy.saturations(measured.fixed)),
            *parts.formats(subject.qnet.formats),
            *parts.repeat(again),
        ],
    )


def _answers(accounted: Accounted) -> list[str]:
    """Sequences answered rightly, where the answers are known."""
    return [parts.table(account.answers(accounted))] if accounted.right else []


def _over_time(accounted: Accounted) -> list[str]:
    """Nothing where the output has one step only."""
    if len(accounted.budget.together) < 2 or not accounted.budget.whole.rmse:
        return []
    return [
        html.heading("Over time"),
        html.figure(
            plots.svg(budget_plots.over_time(accounted.budget), "shares"),
            "RMSE of the output with all quantisers on, and how the groups share it.",
        ),
    ]
