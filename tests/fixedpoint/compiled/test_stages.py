"""The compiled dense stages give the codes and the saturations of `QuantizedDense.run`."""

import numpy as np
import pytest

from fixedpoint.compiled import packing, run
from fixedpoint.dense import quantize_dense
from fixedpoint.formats import DenseFormats, Format
from fixedpoint.squash import sigma_table
from golden.dense import Dense
from golden.squash import SQUASHES
from tests.fixedpoint.compiled.test_compiled import BATCHES, NUMBERS, any_codes

BITS = {"int32": (6, 16), "float64": (17, 21), "int64": (24, 27)}
"""Of weights and of what a stage sees, by the type that its weights are packed in."""


def any_stage(rng, bits):
    """A stage of any function and sizes, with rows of any scales."""
    width, outputs = (int(rng.integers(1, most)) for most in (40, 80))
    name, gate = str(rng.choice(list(SQUASHES))), Format(17, 16, signed=False)
    weights, source = (Format(int(rng.integers(*bits)), int(rng.integers(4, 14))) for _ in "wx")
    coarser = tuple(map(int, rng.integers(0, 4, outputs))) if rng.integers(2) else ()
    out = Format(16, 14) if name in ("tanh", "h1997") else Format(16, 11)
    if name == "sigma":
        out = Format(15, 14, signed=False)
    scale = weights.high * weights.lsb
    dense = Dense(rng.uniform(-scale, scale, (outputs, width)), rng.normal(0, 1, outputs), name)
    formats = DenseFormats(weights, out, coarser)
    stage, _ = quantize_dense("stage", dense, formats, source, sigma_table(Format(19, 14), gate))
    return stage, source


def differ(stage, u):
    (want, lost), (have, found) = stage.run(u), run.run_dense(stage, u)
    assert have.dtype == want.dtype == np.int64
    return lost != found or not np.array_equal(want, have)


def compare(seeds):
    """How many stages of each type of weights were the same."""
    done = dict.fromkeys(NUMBERS, 0)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        stage, source = any_stage(rng, BITS[NUMBERS[seed % 3]])
        u = any_codes(
            rng, source, (int(rng.integers(1, 9)), int(rng.choice(BATCHES)), stage.inputs)
        )
        if seed % 2:  # as a layer gives them
            u = np.ascontiguousarray(u.transpose(0, 2, 1)).transpose(0, 2, 1)
        assert not differ(stage, u), f"seed {seed}"
        done[str(packing.pack_dense(stage).rows.weights.dtype)] += 1
    return done


def test_random_stages():
    assert min(compare(range(90)).values()) > 20


@pytest.mark.soak
def test_many_random_stages():
    assert min(compare(range(90, 6000)).values()) > 1500


@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("part", ["rows", "unit"])
def test_a_planted_fault_is_seen(monkeypatch, part, batch):
    rng = np.random.default_rng(0)
    stage, source = any_stage(rng, BITS["int32"])
    u = any_codes(rng, source, (20, batch, stage.inputs))
    assert not differ(stage, u)
    value = getattr(true := packing.pack_dense(stage), part)
    if part == "rows":
        wrong = value._replace(ones=value.ones + (1 << 10))
    else:
        wrong = value._replace(words=value.words + (1 << 12))
    monkeypatch.setattr(run, "pack_dense", lambda _: true._replace(**{part: wrong}))
    assert differ(stage, u)


def test_threads_and_calls_in_parts(monkeypatch):
    """Many threads, and calls of few steps each, give what one of all steps gives."""
    monkeypatch.setattr(run, "WORTH", 1)
    monkeypatch.setattr(run, "PRODUCTS", 20_000)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    for seed, batch in ((1, 1), (2, 3), (3, 75)):
        rng = np.random.default_rng(seed)
        stage, source = any_stage(rng, BITS["int32"])
        assert not differ(stage, any_codes(rng, source, (50, batch, stage.inputs)))
