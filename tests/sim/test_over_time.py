"""Cells that keep the mean and the largest of all steps, in gateware."""

import numpy as np

import golden
from fixedpoint import quantize
from sim import check, simulate
from tests.golden.importers import onnx_models
from tests.golden.importers.test_onnx_over_time import MODELS


def test_mean_largest_and_last_step_are_those_of_the_integer_model(tmp_path, build_dir):
    net = golden.load(onnx_models.save(MODELS["all joined"], tmp_path / "net.onnx"))
    x = np.random.default_rng(3).standard_normal((3, net.reading.steps, net.inputs))
    qnet = quantize(net, bits=16, calibrate=x)
    codes, _ = qnet.encode(x)
    verdict = check(qnet, codes, simulate(qnet, codes, lanes=4, build_dir=build_dir))
    assert verdict.ok and verdict.codes, str(verdict)
