"""Networks of other people in gateware: random ONNX files, read, quantised and simulated."""

from pathlib import Path

import pytest

import golden
from fixedpoint import quantize
from sim import Verdict, check, simulate
from tests.golden.importers import onnx_models, random_onnx

MANY = range(300)


def run_model(seed: int, folder: Path, build_dir: Path) -> Verdict:
    """One file from its bytes to the simulated core at 16 bits, every code compared."""
    model, x = random_onnx.random_model(seed)
    net = golden.load(onnx_models.save(model, folder / "net.onnx"))
    x = random_onnx.sequences(model, x, net)
    qnet = quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    verdict = check(qnet, codes, simulate(qnet, codes, build_dir=build_dir))
    assert verdict.ok, f"seed {seed}: {verdict}"
    assert not verdict.unseen
    assert verdict.codes == sum(values.size for _, values in qnet.run(codes).signals())
    return verdict


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY)
def test_random_onnx_file(seed, tmp_path, build_dir):
    """Files that the importer's tests compare with onnxruntime: no code differs."""
    assert run_model(seed, tmp_path, build_dir).codes
