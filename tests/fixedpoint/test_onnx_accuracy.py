"""16 bits against onnxruntime: networks of ordinary size over a hundred steps of ordinary input."""

import numpy as np
import onnx
import pytest

import golden
from fixedpoint import quantize
from golden import Dense, Layer, Network
from golden.exporters.onnx import save_onnx
from tests.golden.importers import onnx_models

INPUTS, CELLS, STEPS, BOUND = 8, 32, 100, 3e-4


def layer(rng: np.random.Generator, inputs: int, kinds: str = "ifog", **options) -> Layer:
    """Weights and biases uniform in +-1/sqrt(C), as PyTorch starts from."""
    edge = CELLS**-0.5
    weights = {kind: rng.uniform(-edge, edge, (CELLS, inputs + CELLS)) for kind in kinds}
    biases = {kind: rng.uniform(-edge, edge, CELLS) for kind in kinds}
    if options.pop("peepholes", False):
        options["peepholes"] = {kind: rng.uniform(-edge, edge, CELLS) for kind in kinds[:-1]}
    return Layer(weights, biases, **options)


KINDS = {
    "forget gates": lambda rng: (layer(rng, INPUTS),),
    "two layers": lambda rng: (layer(rng, INPUTS), layer(rng, CELLS)),
    "peepholes": lambda rng: (layer(rng, INPUTS, peepholes=True),),
    "coupled": lambda rng: (layer(rng, INPUTS, "iog", coupled=True),),
    "hard gates": lambda rng: (layer(rng, INPUTS, gate="hard"),),
    "clipped": lambda rng: (layer(rng, INPUTS, clip={"gate": (-0.5, 0.5), "g": (-0.5, 0.5)}),),
    "both directions": lambda rng: (
        layer(rng, INPUTS),
        layer(rng, INPUTS, reverse=True, beside=True),
    ),
}


@pytest.mark.parametrize("end", [None, "identity", "sigma"])
@pytest.mark.parametrize("kind", KINDS)
def test_16_bits_are_within_a_few_lsb_of_onnxruntime(kind, end, tmp_path):
    """Written as ONNX, run by onnxruntime; read back, quantised to 16 bits, run in integers."""
    rng = np.random.default_rng([*map(ord, kind + (end or ""))])
    layers = KINDS[kind](rng)
    width = CELLS * len([one for one in layers if one.shape.inputs == layers[-1].shape.inputs])
    edge = width**-0.5
    head = (Dense(rng.uniform(-edge, edge, (4, width)), np.zeros(4), end),) if end else ()
    path = tmp_path / "net.onnx"
    save_onnx(Network(layers, head), path)
    x = rng.normal(size=(4, STEPS, INPUTS))
    wanted = onnx_models.run(onnx.load(path), x.astype(np.float32))
    qnet = quantize(golden.load(path), bits=16, calibrate=x)
    found = qnet.run(qnet.encode(x)[0])
    assert np.abs(found.value("out") - wanted).max() < BOUND
