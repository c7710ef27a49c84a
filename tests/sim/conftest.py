"""Where the tests keep their simulators, and cores that are made once."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rtl import CorePlan
from sim import simulation

CORES: dict[Any, Any] = {}
STAGE = cache(simulation.stage)


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The folder of all simulators, kept from run to run: a build is known by its text's hash."""
    return Path(__file__).parents[2] / "build" / "sim"


@pytest.fixture(autouse=True)
def made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core and its Verilog, which take longer than most simulations, are made once for all tests
    that plan the same one. That they come out the same each time, tests of `rtl` show."""
    component = CorePlan.component

    def known(plan: CorePlan) -> Any:
        key = plan.qnet.digest(), plan.options
        if key not in CORES:
            CORES[key] = component(plan)
        return CORES[key]

    monkeypatch.setattr(CorePlan, "component", known)
    monkeypatch.setattr(simulation, "stage", STAGE)
