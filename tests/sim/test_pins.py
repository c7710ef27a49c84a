"""The two roads to the harness' ports leave the same recordings."""

from dataclasses import fields, replace

import numpy as np
import pytest

from sim import ToolError, runner, simulation, stressing
from sim.job import Recording
from tests.rtl.support import make_core
from tests.sim.cases import any_codes, small_network
from tests.sim.test_runner import PORTS, TINY

FIELDS = [field.name for field in fields(Recording)]


def differences(one, other):
    """The names of what two recordings do not agree on."""
    found = []
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        pairs = zip(a.values(), b.values(), strict=True) if isinstance(a, dict) else [(a, b)]
        if not all(np.array_equal(*pair) for pair in pairs):
            found.append(name)
    return found


def played(core, build_dir, scenarios, loop):
    place = simulation.stage(core, build_dir, loop=loop)
    return [each.recording for each in place.play(scenarios)]


def test_recordings_are_equal(build_dir):
    """Of every kind of scenario: pauses, back-pressure, states written and read, resets in the
    middle of a step; clocks, codes, counters and flags."""
    core = make_core(small_network(), 2, probe=True, state_port=True)
    scenarios = stressing.prepare(core, resets=3, build_dir=build_dir).scenarios
    awaited, compiled = (played(core, build_dir, scenarios, loop) for loop in (False, True))
    assert len(awaited) > 3
    assert not any(differences(*pair) for pair in zip(awaited, compiled, strict=True))
    wrong = replace(awaited[0], out_clocks=awaited[0].out_clocks + 1)
    assert differences(awaited[0], wrong) == ["out_clocks"]


def test_long_runs_are_built_for_speed(monkeypatch):
    """From 300,000 clocks on; not where waveforms are asked for, which need cocotb's time."""
    asked = []

    def stage(core, build_dir, *, loop, **options):
        asked.append(loop)
        core._MustUse__used = True  # or Amaranth warns of a component that is never elaborated
        raise ToolError("not built")

    monkeypatch.setattr(simulation, "stage", stage)
    qnet = small_network()
    pace = simulation.plan(qnet, simulation.CoreOptions(probe=True)).cycles_per_step
    codes = any_codes(np.random.default_rng(0), qnet, simulation.LONG // pace + 1)
    for given, waves in ((codes[:-2], None), (codes, None), (codes, "waves.vcd")):
        with pytest.raises(ToolError, match="not built"):
            simulation.simulate(qnet, given, waves=waves)
    assert asked == [False, True, False]


def test_a_loop_that_does_not_compile_is_told_and_not_kept(monkeypatch, tmp_path):
    """The line names the log; nothing that looks like a simulator stays."""
    broken = tmp_path / "clocking.cc"
    broken.write_text("no C++")
    monkeypatch.setattr(runner, "CLOCKING", broken)
    monkeypatch.setattr(runner, "LOOP", (*runner.LOOP[:-1], str(broken)))
    cache = tmp_path / "cache"
    with pytest.raises(ToolError, match=r"building the simulator failed; .*\.log"):
        runner.build(TINY + "endmodule\n", "tiny", PORTS, cache, loop=True)
    assert [path.suffix for path in cache.iterdir()] == [".log"]
