"""The report of `carousel quantize`: what the number formats cost, and which of them cost it."""

from typing import Any

from carousel.cli.subject import Subject
from carousel.measure import accuracy
from carousel.measure.accuracy import Measured
from carousel.measure.budget import account as budgeting
from carousel.measure.budget import plots as budget_plots
from carousel.measure.budget.account import Accounted
from carousel.page import html as page
from carousel.page import parts as report_parts
from carousel.page import plots

NAMES = (
    "A quantiser rounds and limits one signal, or the weights of one kind. Its name begins with "
    "the number of its layer: 0.i g and 0.f s are the products that make up a state, 0.net i is a "
    "net input on its way to the sigma table, 0.weights x g are the weights between x and the cell "
    "inputs."
)
READ = (
    "Each is switched on alone in the float network, and off alone in the integer one (all but "
    "it). A share is the mean square error alone, as a part of the sum over all."
)
IDLE = (
    "Idle above: bits at the upper end that no code had need of (a gate has one for 1.0 alone). "
    "Idle below: bits at the lower end that were 0 in every code. In the figure a height is the "
    "square root of how often, so that what is rare can be seen."
)

LOW, HIGH = 0.5, 2.0  # sums of the parts that may still be called the whole


def render(subject: Subject, measured: Measured, found: Accounted, again: dict[str, Any]) -> str:
    """The whole page; `again` is what it takes to repeat it."""
    net, budget = subject.net, found.budget
    return page.page(
        f"Carousel: number formats of {net.name}",
        [
            f"<h1>{page.escape(net.name)}: number formats</h1>",
            page.paragraph(f"Input: {subject.inputs.source}.", "lead"),
            page.paragraph(found.sentence, "verdict"),
            *_answers(found),
            *short(found),
            page.heading("Every quantiser"),
            page.figure(
                plots.svg(budget_plots.alone(budget), "alone"),
                "RMSE of the output with one quantiser on and all others off, and its share.",
            ),
            page.paragraph(NAMES),
            report_parts.table(budgeting.quantisers(found), titled=False),
            report_parts.table(budgeting.weights(found)),
            *_over_time(found),
            page.heading("Codes against their ranges"),
            page.figure(
                plots.svg(budget_plots.ranges(budget.uses), "ranges"),
                "How often codes lie where in their range, with all quantisers on.",
            ),
            page.paragraph(IDLE),
            report_parts.table(budgeting.codes(found), titled=False),
            page.heading("Fixed point against float"),
            page.paragraph(f"Over all of the input: {subject.inputs.source}."),
            report_parts.table(accuracy.table(measured), titled=False),
            report_parts.table(accuracy.saturations(measured.fixed)),
            *report_parts.formats(subject.qnet.formats),
            *report_parts.repeat(again),
        ],
    )


def short(found: Accounted) -> list[str]:
    """The budget in short: a bar for each group, and how far the shares explain the error."""
    explained = found.budget.explained
    if explained is None:
        return [page.heading("Where the error comes from"), page.paragraph(found.equal)]
    sums = f"Mean squares of all alone add up to {explained:.2f} times that of all together"
    sums += (
        "."
        if LOW < explained < HIGH
        else (": they act on one another, so look at what leaving each out would gain, too.")
    )
    return [
        page.heading("Where the error comes from"),
        page.bars((name, share, budgeting.percent(share)) for name, share in found.groups),
        report_parts.table(budgeting.errors(found), titled=False),
        page.paragraph(f"Over {found.scope}. {READ} {sums} {found.equal}"),
    ]


def _answers(found: Accounted) -> list[str]:
    """Sequences answered rightly, where somebody knows the answers."""
    return [report_parts.table(budgeting.answers(found))] if found.right else []


def _over_time(found: Accounted) -> list[str]:
    """Nothing where the output has one step only."""
    if len(found.budget.together) < 2 or not found.budget.whole.rmse:
        return []
    return [
        page.heading("Over time"),
        page.figure(
            plots.svg(budget_plots.over_time(found.budget), "shares"),
            "RMSE of the output with all quantisers on, and how the groups share it.",
        ),
    ]
