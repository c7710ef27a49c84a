"""The compiled loop is taken when it is worth its loading, and done without where it fails."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fixedpoint import loop, quantize, stepping
from fixedpoint.compiled import making, run
from golden import notes
from tests.fixedpoint.nets import forget_network, random_codes, random_quantized


@pytest.fixture
def qnet():
    net, x = forget_network()
    return quantize(net, calibrate=x)


@pytest.fixture
def fresh(monkeypatch, qnet):
    """As in a process that has run nothing since the formats were chosen."""
    monkeypatch.setattr(stepping, "_compiled", stepping._Compiled())
    making._made.clear()
    yield notes.note.cache_clear()
    making._made.clear()


def calls(monkeypatch):
    """Which loops are called, in order."""
    found = []
    for name, module in (("loop", loop), ("compiled", run)):

        def note(*args, name=name, true=module.run_layer):
            found.append(name)
            return true(*args)

        monkeypatch.setattr(module, "run_layer", note)
    return found


def test_the_first_steps_of_a_process_load_nothing(monkeypatch, fresh, qnet):
    monkeypatch.setattr(stepping, "LOADING", 100)
    found, codes = calls(monkeypatch), random_codes(np.random.default_rng(0), qnet, 129, 40)
    for _ in range(3):  # of two passes a step
        qnet.run(codes)
    qnet.run(codes[0])
    assert found == ["loop", "compiled", "compiled", "compiled"]


def test_dense_stages_are_compiled_as_layers_are(monkeypatch, fresh):
    (_, qnet), asked = random_quantized(np.random.default_rng(1), 12), []
    assert qnet.head

    def note(*args, true=run.run_dense):
        asked.append(args[0])
        return true(*args)

    monkeypatch.setattr(run, "run_dense", note)
    codes = random_codes(np.random.default_rng(0), qnet, 5, 40)
    want = qnet.run(codes)
    assert not asked
    monkeypatch.setattr(stepping, "LOADING", 0)
    np.testing.assert_array_equal(qnet.run(codes).out, want.out)
    assert asked == list(qnet.dense)


def broken(error):
    def njit(*args, **options):
        raise error

    return njit


def test_a_compiler_that_fails_is_told_once(monkeypatch, fresh, qnet, capsys):
    codes = random_codes(np.random.default_rng(0), qnet, 40)
    want = qnet.run(codes)
    monkeypatch.setattr(stepping, "LOADING", 0)
    monkeypatch.setattr(making, "numba", SimpleNamespace(**vars(making.numba)))
    monkeypatch.setattr(making.numba, "njit", broken(ValueError("no\nvectors")))
    for _ in range(2):
        np.testing.assert_array_equal(qnet.run(codes).out, want.out)
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        "carousel: the integer model runs uncompiled, its codes are the same: numba failed with "
        "ValueError: no vectors"
    )
    assert len(said) == 2 and "cannot be kept" in said[0]


def test_a_folder_that_takes_nothing_is_told_once(monkeypatch, fresh, qnet, capsys):
    """It is compiled all the same, for this process."""
    codes = random_codes(np.random.default_rng(0), qnet, 40)
    want, asked, true = qnet.run(codes), [], making.numba.njit

    def njit(*args, cache=False, **options):
        def make(function):
            asked.append(cache)
            if cache:
                raise RuntimeError(f"cannot cache function {function.__qualname__!r}: no locator")
            return true(*args, cache=True, **options)(function)  # the test need not compile

        return make

    monkeypatch.setattr(stepping, "LOADING", 0)
    monkeypatch.setattr(making, "numba", SimpleNamespace(**vars(making.numba)))
    monkeypatch.setattr(making.numba, "njit", njit)
    for _ in range(2):
        np.testing.assert_array_equal(qnet.run(codes).out, want.out)
    assert asked == [True, False]
    (line,) = capsys.readouterr().err.splitlines()
    what = "carousel: the compiled integer model cannot be kept for other runs: "
    assert line == what + "cannot cache function: no locator"


def test_an_interruption_while_compiling_leaves_all_as_it_was(monkeypatch, fresh, qnet, capsys):
    codes = random_codes(np.random.default_rng(0), qnet, 40)
    want = qnet.run(codes)
    monkeypatch.setattr(stepping, "LOADING", 0)
    with monkeypatch.context() as during:
        during.setattr(making, "numba", SimpleNamespace(**vars(making.numba)))
        during.setattr(making.numba, "njit", broken(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            qnet.run(codes)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("carousel: interrupted while compiling the integer model")
    found = calls(monkeypatch)
    np.testing.assert_array_equal(qnet.run(codes).out, want.out)
    assert found == ["compiled"] and capsys.readouterr().err == ""


WITHOUT = """
import sys
sys.modules["numba"] = None
import numpy as np
from fixedpoint import quantize, stepping
from tests.fixedpoint.nets import forget_network
stepping.LOADING = 0
net, x = forget_network()
qnet = quantize(net, calibrate=x)
for _ in range(2):
    print(qnet.run(qnet.encode(x)[0]).out.sum())
"""


def test_without_numba(qnet):
    """Nothing else needs it; how to get it is told once."""
    found = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    (line,), want = found.stderr.splitlines(), qnet.run(qnet.encode(forget_network()[1])[0])
    assert "the integer model runs uncompiled" in line and "'carousel-lstm[train]'" in line
    assert found.stdout.split() == [str(want.out.sum())] * 2
