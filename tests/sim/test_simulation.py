"""A simulation as its caller sees it: the core's codes and clocks, stalls, progress, an end."""

import os
import signal
import subprocess
import sys
import time
from itertools import product

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantization import quantize
from golden.errors import InputError
from golden.network import Network
from rtl.schedule.schedule import schedule_of
from sim import Pattern, check, simulate
from tests.processes import marked
from tests.rtl.support import head as head_of
from tests.rtl.support import stack
from tests.sim.cases import any_codes, small_network
from tests.soak import few


@pytest.fixture(scope="module")
def qnet() -> QuantizedNetwork:
    return small_network()


@pytest.fixture(scope="module")
def codes(qnet: QuantizedNetwork) -> np.ndarray:
    """Three sequences of 15 steps."""
    return any_codes(np.random.default_rng(1), qnet, 3, 15)


SHARES = (0.0, 0.3, 0.9)
PAIRS = few(((0.0, 0.0), (0.3, 0.9), (0.9, 0.0)), product(SHARES, SHARES))


@pytest.mark.parametrize(("idle", "back_pressure"), PAIRS)
def test_the_core_equals_the_model_whatever_the_streams_do(
    qnet, codes, build_dir, idle, back_pressure
):
    """Pauses on one side, on both, on none: no code, flag or counter differs; stalls happened."""
    hw = simulate(qnet, codes, pattern=Pattern(idle, back_pressure), build_dir=build_dir)
    verdict = check(qnet, codes, hw)
    assert verdict.ok, str(verdict)
    assert verdict.codes == 45 * 20
    assert bool(hw.waits["idle"]) == bool(idle)
    assert bool(hw.waits["output"]) == bool(back_pressure)
    assert hw.waits["input"]  # the source is faster than the core


def test_dense_stages_of_different_squashes_from_float_to_gateware(build_dir):
    """Behind two layers: each stage's codes are within some LSB of float64, and the gateware's are
    the integer model's, those of the inner stages too."""
    rng = np.random.default_rng(11)
    head = head_of(rng, 3, (5, "tanh"), (2, "identity"), (4, "sigma"))
    net, x = Network(stack(rng, 2, 4, 3).layers, head), rng.normal(size=(2, 20, 2))
    qnet = quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    real, whole = net.run(x), qnet.run(codes)
    hw = simulate(qnet, codes, lanes=6, build_dir=build_dir)
    names = ("2.dense", "3.dense", "out")
    shown, wanted, given = (dict(trace.signals()) for trace in (hw, whole, whole.real()))
    for name in names:
        assert np.array_equal(shown[name], wanted[name])
        assert np.abs(given[name] - dict(real.signals())[name]).max() < 2e-3
    verdict = check(qnet, codes, hw)
    assert verdict.ok and set(names) <= set(verdict.compared)
    assert hw.cycles_per_step == schedule_of(qnet, 6).cycles_per_step


def test_the_clocks_are_those_of_the_schedule(qnet, codes, build_dir):
    """Undisturbed: latency, cycles a step and the clock of every step as the schedule says."""
    hw, schedule = simulate(qnet, codes, build_dir=build_dir), schedule_of(qnet)
    assert hw.latency == schedule.latency
    assert hw.cycles_per_step == schedule.cycles_per_step
    assert hw.step_cycles.shape == (3, 15)
    assert np.all(np.diff(hw.step_cycles.reshape(-1)) == schedule.cycles_per_step)
    assert hw.cycles == hw.step_cycles[-1, -1] + 1
    assert hw.seconds > 0 and hw.cycles_per_second == hw.clocks / hw.seconds


def test_stalls_come_from_the_seed(qnet, codes, build_dir):
    """The same seed gives the same clocks, another seed others; the codes are the same."""
    runs = [
        simulate(qnet, codes, pattern=Pattern(0.4, 0.4, seed), build_dir=build_dir)
        for seed in (5, 5, 6)
    ]
    assert np.array_equal(runs[0].step_cycles, runs[1].step_cycles)
    assert runs[0].waits == runs[1].waits
    assert not np.array_equal(runs[0].step_cycles, runs[2].step_cycles)
    assert np.array_equal(runs[0].out, runs[2].out)


def test_one_sequence_has_no_batch_axis(qnet, codes, build_dir):
    """(T, D) in gives (T, width) out and (T,) clocks, as in the integer model."""
    hw, model = simulate(qnet, codes[0], build_dir=build_dir), qnet.run(codes[0])
    assert [v.shape for _, v in hw.signals()] == [v.shape for _, v in model.signals()]
    assert hw.step_cycles.shape == (15,)
    assert check(qnet, codes[0], hw).ok


def test_without_a_probe_the_outputs_are_the_same(qnet, codes, build_dir):
    """probe=False: the same outputs in the same clocks, and no claim to anything else."""
    bare = simulate(qnet, codes, probe=False, build_dir=build_dir)
    full = simulate(qnet, codes, build_dir=build_dir)
    assert not bare.probed and bare.layers == () and bare.state == ()
    assert np.array_equal(bare.step_cycles, full.step_cycles)
    verdict = check(qnet, codes, bare)
    assert verdict.ok and verdict.codes == 90 and len(verdict.unseen) == 6


def test_progress_is_told_and_the_terminal_stays_quiet(qnet, build_dir, capfd):
    """Steps done rise from run to end; none of the tools' chatter comes through."""
    codes, told = any_codes(np.random.default_rng(2), qnet, 3000), []
    hw = simulate(qnet, codes, build_dir=build_dir, progress=lambda *news: told.append(news))
    assert told == sorted(told) and len(told) > 2
    assert told[-1] == (3000, 3000) and hw.out.shape == (3000, 2)
    assert capfd.readouterr() == ("", "")


def test_waves_are_written_on_request_only(qnet, codes, build_dir, tmp_path):
    """A VCD with the core's signals at the path that was asked for, and nowhere else."""
    waves = tmp_path / "small.vcd"
    hw = simulate(qnet, codes[0, :3], waves=waves, build_dir=build_dir)
    assert check(qnet, codes[0, :3], hw).ok
    text = waves.read_text()
    assert text.startswith("$version") and " seen " in text
    simulate(qnet, codes[0, :3], build_dir=build_dir)
    assert list(tmp_path.iterdir()) == [waves]
    assert not list(build_dir.rglob("*.vcd"))


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_outside_their_range_are_refused(share):
    """A source that never offers, or a share that is none: one line with value and range."""
    with pytest.raises(InputError, match="must be at least 0 and less than 1"):
        Pattern(idle=share)
    with pytest.raises(InputError, match="must be at least 0 and less than 1"):
        Pattern(back_pressure=share)


def test_waves_into_no_folder_are_refused(qnet, codes, build_dir, tmp_path):
    """The simulator would run to its end and write nothing."""
    with pytest.raises(InputError, match="no such folder"):
        simulate(qnet, codes, waves=tmp_path / "none" / "a.vcd", build_dir=build_dir)


def test_codes_that_do_not_fit_are_refused(qnet, build_dir):
    """The network's own check, before any tool is started."""
    with pytest.raises(InputError, match="shape"):
        simulate(qnet, np.zeros((3, 5), int), build_dir=build_dir)


# a shell's background job ignores Ctrl-C, and so would its children: a person's terminal does not
LONG_RUN = """
import signal
import sys
from pathlib import Path
import numpy as np
from sim import simulate
from tests.rtl.support import head as head_of
from tests.rtl.support import stack
from tests.sim.cases import any_codes, small_network
signal.signal(signal.SIGINT, signal.default_int_handler)
qnet = small_network()
codes = any_codes(np.random.default_rng(3), qnet, 300_000)
simulate(qnet, codes, build_dir=Path(sys.argv[1]), progress=lambda *news: print(news, flush=True))
"""


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.soak),
        pytest.param(signal.SIGKILL, marks=pytest.mark.soak),
    ],
)
def test_an_interrupted_simulation_leaves_no_process(qnet, codes, build_dir, number):
    """Ctrl-C in the middle ends everything at once; a killed owner is missed within seconds."""
    simulate(qnet, codes, build_dir=build_dir)
    mark = f"interrupted-{os.getpid()}-{number}"
    with subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, str(build_dir)],
        env=os.environ | {"CAROUSEL_MARK": mark, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline().startswith("(")
        assert len(marked(mark)) >= 2  # the caller and the simulator
        process.send_signal(number)
        process.communicate(timeout=20)
    if number == signal.SIGINT:
        assert not marked(mark)
    deadline = time.monotonic() + 20
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not marked(mark)
