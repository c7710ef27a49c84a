"""What a newcomer would try: small networks from PyTorch, in float, in integers and in gateware."""

import numpy as np
import pytest

import golden
from carousel.cli.axes import arranged
from fixedpoint import quantize
from golden.decision import DECISIONS
from sim import check, simulate
from tests.golden.importers import zoo
from tests.golden.importers.support import refused

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("ignore")]
NAMES = (
    "plain", "two dense with relu", "relu", "tanh", "softmax", "log softmax", "argmax", "residual",
    "skip", "layer norm", "mean over time", "scale", "gru", "rnn", "linear in front",
    "convolution in front", "embedding", "dropout", "last step", "open axes",
    "two layers, batch norm",
)  # fmt: skip


def test_the_zoo_has_these():
    assert (tuple(zoo.forwards()), len(NAMES)) == (NAMES, 21)
    assert zoo.REFUSED.keys() <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_the_zoo_runs_or_is_refused_with_the_way_out(name, tmp_path, build_dir):
    """Float gives what PyTorch gives, and no code of the core differs from the integer model."""
    file = tmp_path / "net.onnx"
    given, want = zoo.export(name, file)
    if name in zoo.REFUSED:
        assert zoo.REFUSED[name] in refused(file)
        return
    net = golden.load(file)
    x = arranged(net, given, None, "x")
    out = DECISIONS.get(net.reading.behind, lambda out: out)(net.run(x).out)
    assert np.abs(out.reshape(want.shape) - want).max() < 1e-5
    qnet = quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    verdict = check(qnet, codes, simulate(qnet, codes, lanes=8, build_dir=build_dir))
    assert verdict.ok and verdict.codes, str(verdict)
