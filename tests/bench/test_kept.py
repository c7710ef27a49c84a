"""The tables of docs/hold.md: what they say of the shipped networks is so in today's formats."""

from dataclasses import asdict

import pytest

from bench import kept, pages
from carousel.cli.choice import Choice
from carousel.cli.subject import prepare
from carousel.measure.retention import bound
from fixedpoint.retention.map import thresholds


def limits(name: str) -> kept.Found:
    """What `carousel hold` says of a shipped network's thresholds and bounds."""
    subject = prepare(pages.DOCS.parent / "models" / f"{name}.npz", Choice())
    (layer,) = subject.qnet.layers
    known = {"state": str(layer.formats.s), **asdict(thresholds(layer))}
    found = bound.plain(bound.find(subject, bound.ranges(subject, None)))
    return {"retention": {"thresholds": [known]}, "bound": found}


def test_thresholds_and_bounds_on_the_page_are_those_of_today():
    table = kept.limits_table({name: limits(name) for name in kept.MODELS})
    assert table.markdown() == pages.written(pages.DOCS / "hold.md", "thresholds")


def test_tables_have_a_row_for_every_setting_and_lag_and_the_worst_layer():
    views = {
        view: {"left": [[1.0] * 6, [0.5, 0.5, 0.25, 0, 0, 0]], "change": [[0] * 6, [n] * 6]}
        for n, view in enumerate(kept.VIEWS)
    }
    setting = {"setting": "Shut", "lags": [10**k for k in range(1, 7)], "bound": [[9.0] * 6]}
    one = {"lags": [{**setting, **views, "gateware_codes": 2000, "gateware_mismatches": 1}]}
    lines = kept.lags_text({"adding": one}).splitlines()
    assert lines[2] == "| Shut | 100 | 0.500 | 0.500 | 0.500 | 0 | 1 | 2.00 | 9.00 |"
    assert len(lines) == 2 + len(kept.LAGS) + 2
    assert lines[-1] == "Codes of the gateware that differ: 1 of 2,000."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1"), (1.00003, "1.0000"), (3.1e-5, "3.1e-5"), (0.0242, "0.0242")]
    + [(0.25, "0.250"), (57.46, "57.5"), (132.7, "133"), (47_289.2, "47,289")],
)
def test_numbers_have_three_digits(value, text):
    assert kept.short(value) == text
