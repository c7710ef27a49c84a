"""Formats that a search found, in gateware: widths all differ, and not a code does."""

import pytest

from fixedpoint import quantize
from fixedpoint.fitting import formats_of
from fixedpoint.search.search import Goal, Search
from fixedpoint.widths import KINDS, Widths
from sim import Verdict, check, simulate
from tests.fixedpoint.search.test_search import all_tried, problem, space


def run_widths(widths: Widths, build_dir) -> Verdict:
    """`problem()` in formats of these widths, on a lane for each row."""
    given = problem()
    qnet = quantize(given.net, formats_of(given.net, widths, given.seen))
    codes, _ = qnet.encode(given.parts[0].x)
    verdict = check(qnet, codes, simulate(qnet, codes, build_dir=build_dir))
    assert verdict.ok and not verdict.unseen, f"{widths}: {verdict}"
    assert verdict.codes == sum(values.size for _, values in qnet.run(codes).signals())
    return verdict


@pytest.mark.soak
def test_formats_found(build_dir):
    """Of least cost at an error of 5e-2, with kinds of codes of several widths."""
    kinds = ("weights", "gate", "s", "y")
    found = Search(Goal(9, tolerance=5e-2), space(9, kinds), all_tried).run(lambda _: True)
    assert len({getattr(found.widths, kind) for kind in KINDS}) >= 3
    assert run_widths(found.widths, build_dir).codes


@pytest.mark.soak
@pytest.mark.parametrize("tight", [False, True])
@pytest.mark.parametrize("turn", range(8))
def test_widths_far_from_one_another(turn, tight, build_dir):
    """From 4 to 18 bits, each kind with each of them in turn."""
    bits = [4, 18, 6, 16, 8, 14, 10, 12]
    widths = Widths(*bits[turn:], *bits[:turn], tight=tight)
    assert run_widths(widths, build_dir).codes
