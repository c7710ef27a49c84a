"""`carousel inspect --draw`: the clocks that are drawn are those of the plan."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import golden
from carousel.measure import needs
from carousel.plots import schedule
from carousel.plots.core import SOURCES, TAIL
from tests.carousel import nets


def bars(panel, colour: str) -> list[tuple[float, float]]:
    """First and last clock of each bar of a colour, and its line."""
    of = [
        one
        for one in panel.collections
        if isinstance(one, PolyCollection) and same(one.get_facecolor()[0], colour)
    ]
    return [
        (path.get_extents().x0, path.get_extents().x1) for one in of for path in one.get_paths()
    ]


def same(rgba, colour: str) -> bool:
    wanted = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return bool(np.allclose(rgba[:3], wanted))


@pytest.mark.parametrize("name", ["paper", "peepholes", "coupled", "reverse"])
def test_the_clocks_drawn_are_the_plans(name):
    """As many clocks of a source as the schedule issues, each row once in the tail."""
    plan = needs.of(nets.every()[name], 12, 8)[0].plan
    planned = plan.slowest
    panel = schedule(plan).axes[1]
    for source, (_, colour) in SOURCES.items():
        issued = [
            clock
            for clock, slot in enumerate(planned.slots)
            if slot.column and slot.column.source == source
        ]
        assert sorted(bars(panel, colour)) == [(clock, clock + 1) for clock in issued]
    in_tail = sum(end - begin for begin, end in bars(panel, TAIL))
    assert in_tail == sum(phase.tail_clocks(k) for phase, k in planned.groups)
    assert str(planned.cycles_per_step) in panel.get_title(loc="left")


def test_it_is_written_or_refused(cli, refused, tmp_path, drawn):
    file, model = tmp_path / "core.svg", tmp_path / "mixed.npz"
    result = cli("inspect", Path("models/adding.npz"), "--lanes", 4, "--draw", file)
    assert f"Figure  {file}" in result.stdout
    assert file.read_text().startswith("<svg")
    golden.save(nets.mixed(), model)
    assert "no core can run" in refused("inspect", model, "--draw", tmp_path / "none.svg")
    nowhere = tmp_path / "no" / "core.svg"
    assert "does not exist" in refused("inspect", model, "--draw", nowhere)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".svg"] == ["core.svg"]
