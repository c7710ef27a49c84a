"""Networks of other people in gateware: random ONNX files, read, quantised and simulated."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import golden
from fixedpoint import QuantizedNetwork, quantize
from rtl import plan
from sim import Verdict, check, simulate
from tests.golden.importers import onnx_models, random_onnx

MANY = range(300)


def read(seed: int, folder: Path) -> tuple[QuantizedNetwork, np.ndarray]:
    """A file's network at 16 bits, and codes for it."""
    model, x = random_onnx.random_model(seed)
    net = golden.load(onnx_models.save(model, folder / "net.onnx"))
    x = random_onnx.sequences(model, x, net)
    qnet = quantize(net, bits=16, calibrate=x)
    return qnet, qnet.encode(x)[0]


def run_model(seed: int, folder: Path, build_dir: Path) -> Verdict:
    """One file from its bytes to the simulated core, every code compared."""
    qnet, codes = read(seed, folder)
    verdict = check(qnet, codes, simulate(qnet, codes, build_dir=build_dir))
    assert verdict.ok, f"seed {seed}: {verdict}"
    assert not verdict.unseen
    assert verdict.codes == sum(values.size for _, values in qnet.run(codes).signals())
    return verdict


@pytest.mark.parametrize("seed", [2, 6, 12, 94, 130, 170])
def test_a_core_is_planned(seed, tmp_path):
    """Of files with reverse layers between dense stages, with peepholes beside sums over time."""
    qnet, _ = read(seed, tmp_path)
    rows = Counter((row.layer, row.kind, row.index) for row in plan(qnet).rows)
    assert set(rows.values()) == {1}
    wanted = {(k, kind): len(each.weights) for (k, kind), each in qnet.rows.items()}
    assert Counter((k, kind) for k, kind, _ in rows) == wanted


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY)
def test_random_onnx_file(seed, tmp_path, build_dir):
    """Files that the importer's tests compare with onnxruntime: no code differs."""
    assert run_model(seed, tmp_path, build_dir).codes
