"""The budget in short, as a part of a page."""

from carousel.measure.budget import account
from carousel.measure.budget.account import Accounted
from carousel.report import html, parts

READ = (
    "Each is switched on alone in the float network, and off alone in the integer one (all but "
    "it). A share is the mean square error alone, as a part of the sum over all."
)
LOW, HIGH = 0.5, 2.0  # sums of the parts that may still be called the whole


def section(accounted: Accounted) -> list[str]:
    """A bar for each group, and how far the shares explain the error."""
    explained = accounted.budget.explained
    if explained is None:
        return [html.heading("Where the error comes from"), html.paragraph(accounted.equal)]
    sums = f"Mean squares of all alone add up to {explained:.2f} times that of all together"
    sums += (
        "."
        if LOW < explained < HIGH
        else (": they act on one another, so look at what leaving each out would gain, too.")
    )
    return [
        html.heading("Where the error comes from"),
        html.bars((name, share, account.percent(share)) for name, share in accounted.groups),
        parts.table(account.errors(accounted), titled=False),
        html.paragraph(f"Over {accounted.scope}. {READ} {sums} {accounted.equal}"),
    ]
