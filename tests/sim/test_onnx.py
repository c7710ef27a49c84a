"""Networks of other people in gateware: random ONNX files, read, quantised and simulated."""

from pathlib import Path

import pytest

import golden
from fixedpoint import quantize
from rtl.schedule.schedule import UnsupportedError
from sim import Verdict, check, simulate
from tests.golden.importers import onnx_models, random_onnx

MANY = range(300)
REFUSED = (
    "runs in reverse, and a core that holds sequences has no dense stages in front of",
    "blocks of several cells and gate recurrence cannot share a core with the peepholes of",
)
"""What no core can have, said when it is planned."""


def run_model(seed: int, folder: Path, build_dir: Path) -> Verdict | str:
    """One file from its bytes to the simulated core at 16 bits, every code compared; or why no core
    can be made of it."""
    model, x = random_onnx.random_model(seed)
    net = golden.load(onnx_models.save(model, folder / "net.onnx"))
    x = random_onnx.sequences(model, x, net)
    qnet = quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    try:
        hw = simulate(qnet, codes, build_dir=build_dir)
    except UnsupportedError as error:
        return str(error)
    verdict = check(qnet, codes, hw)
    assert verdict.ok, f"seed {seed}: {verdict}"
    assert not verdict.unseen
    assert verdict.codes == sum(values.size for _, values in qnet.run(codes).signals())
    return verdict


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY)
def test_random_onnx_file(seed, tmp_path, build_dir):
    """Files that the importer's tests compare with onnxruntime: no code differs."""
    found = run_model(seed, tmp_path, build_dir)
    if isinstance(found, str):
        assert any(each in found for each in REFUSED), found
    else:
        assert found.codes
