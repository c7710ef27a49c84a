"""What is compiled while setting up is what a run of a model then needs."""

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from fixedpoint.compiled import making, run
from golden import fast_learning
from golden.learning import Parameters
from tests.golden import nets
from tools import warm


@pytest.fixture
def made(monkeypatch):
    """What would have been compiled, by kind; it does nothing."""
    found = set()

    def once(function, arrays, given):
        found.add((function.__name__, *(each.dtype.name for each in arrays)))
        return lambda *args: None

    monkeypatch.setattr(making, "_once", once)
    return found


def test_layers_and_stages_of_many_widths_find_their_steps(monkeypatch, made, tmp_path):
    built = []
    monkeypatch.setattr(warm, "build", lambda *args: built.append(args))
    warm.main("run", tmp_path)
    ahead, net = set(made), golden.load(warm.MODEL)
    made.clear()
    x = np.random.default_rng(0).normal(size=(40, 7, net.inputs))
    for bits in (8, 12, 16, 17):  # more need int64, which is seldom
        qnet = quantize(net, bits=bits, calibrate=x)
        (layer,), (stage,) = qnet.layers, qnet.dense
        codes = qnet.encode(x)[0].transpose(1, 0, 2)
        found, _ = run.run_layer(layer, codes, layer.initial_state(len(x)), {})
        run.run_dense(stage, found["y"])
    assert made == ahead and len(made) == 4
    assert {cache for *_, cache in built} == {tmp_path}
    assert len({text for text, *_ in built}) == 2  # the library, then headers


@pytest.mark.parametrize(
    ("step", "packages"),
    [
        ("run", []),
        ("prove", ["yosys"]),
        ("fpga", ["yosys", "ecp5", "gatemate", "ice40"]),
        ("test", ["yosys", "ecp5", "gatemate", "ice40"]),
    ],
)
def test_tools_are_started_in_the_step_that_installs_them(monkeypatch, tmp_path, step, packages):
    started = []
    for name in ("compile_steps", "compile_learning", "start_yosys", "build_shared"):
        monkeypatch.setattr(warm, name, lambda *args: None)
    monkeypatch.setattr(warm.tools, "run", lambda tool, *args: started.append(tool.package))
    warm.main(step, tmp_path)
    assert sorted(name.rpartition("_")[2] for name in started) == sorted(packages)


def test_learning_of_other_networks_finds_its_loops():
    warm.compile_learning()
    loops = fast_learning.kernels()
    kinds = (loops.lstm_train, loops.lstm_gradient)
    ahead = [list(each.signatures) for each in kinds]
    rng = np.random.default_rng(1)
    for make in nets.KINDS.values():
        p = Parameters.of(make(rng))
        for target in (rng.uniform(size=2), rng.uniform(size=(7, 2))):
            x = rng.normal(size=(7, 3))
            fast_learning.train_sequence(p, x, target, 0.1)
            fast_learning.gradient(p, x, target)
    assert [list(each.signatures) for each in kinds] == ahead
