"""PyTorch's state_dicts: the outputs that PyTorch gave, and a refusal by name for all else."""

import json
import struct
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golden
from golden import ModelError
from golden.importers import pytorch
from golden.version import install
from tests.golden.importers.state_dicts import lstm, tensors, wide
from tests.golden.importers.support import DATA, read_or_refused, refused, sample

SAMPLES = (
    "plain",
    "deep",
    "bias_free",
    "chained",
    "half",
    "bfloat16",
    "double",
    "projected",
    "bidirectional",
    "deep_bidirectional",
    "both",
    "both_biased",
    "chained_directions",
)
WHOLE = {
    name: (DATA / f"pytorch_{name}.safetensors").read_bytes()
    for name in ("deep", "both", "both_biased")
}


@pytest.mark.parametrize("name", SAMPLES)
def test_outputs_are_those_of_pytorch(name):
    order = ("top", "below", "fc") if name.startswith("chained") else ()
    net, x, out = sample(f"pytorch_{name}.safetensors", *order)
    assert np.abs(net.run(x).out - out).max() < 1e-6
    assert net.name == f"pytorch_{name}"


def test_what_was_read_is_said():
    net, _, _ = sample("pytorch_chained.safetensors", "top", "below", "fc")
    assert net.made_by == (
        "PyTorch state_dict, read as nn.LSTM 'top', then nn.LSTM 'below', then nn.Linear 'fc' "
        "without a sigmoid"
    )
    assert [layer.shape.cells for layer in net.layers] == [7, 5]


def test_directions_and_projections_are_said():
    net, _, _ = sample("pytorch_both.safetensors")
    assert net.made_by == (
        "PyTorch state_dict, read as nn.LSTM 'lstm' (bidirectional, proj_size 2), then nn.Linear "
        "'fc' without a sigmoid"
    )
    assert net.stages == ((0, 1), (2, 3))
    for k, layer in enumerate(net.layers):
        assert (layer.reverse, layer.beside) == (k % 2 == 1, k % 2 == 1)
        assert (layer.shape.cells, layer.shape.outputs) == (6, 2)
    assert [layer.shape.inputs for layer in net.layers] == [3, 3, 4, 4]


ONE = "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"
NO_LSTM: dict[str, Any] = dict.fromkeys(ONE)
NO_LINEAR: dict[str, Any] = {"fc.weight": None, "fc.bias": None}
WRONG = np.zeros((2, 4))
WRONG[1, 3] = np.nan

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "one projection": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "a.weight_hr_l0_reverse": None},
        "'a.weight_hr_l0_reverse' is missing",
    ),
    "wide projection": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "a.weight_hr_l0": (3, 4)},
        "'a.weight_hr_l0': shape (3, 4), must be (P, C) with C = 4, P = 2",
    ),
    "flat projection": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "a.weight_hr_l0": (8,)},
        "'a.weight_hr_l0': shape (8,), must be (P, C)",
    ),
    "no projected outputs": (
        {**NO_LSTM, **wide("a.", 3, 4, 0)},
        "'a.weight_hr_l0': shape (0, 4), must be (P, C) with C = 4, P = 0",
    ),
    "cells beside a projection": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "a.weight_hh_l0_reverse": (12, 2)},
        "'a.weight_hh_l0_reverse': shape (12, 2), must be (4 C, P) with C = 4, P = 2",
    ),
    "half a direction": (
        {"lstm.weight_ih_l0_reverse": (16, 3)},
        "'lstm.weight_hh_l0_reverse' is missing",
    ),
    "bias of one direction": (
        {"lstm.weight_ih_l0_reverse": (16, 3), "lstm.weight_hh_l0_reverse": (16, 4)},
        "'lstm.bias_ih_l0_reverse' is missing",
    ),
    "forward direction": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "a.weight_ih_l0": None},
        "'a.weight_ih_l0' is missing",
    ),
    "upper layer of one direction": (
        {
            **NO_LSTM,
            **lstm("a.", 3, 4),
            "a.weight_ih_l0_reverse": (16, 3),
            "a.weight_hh_l0_reverse": (16, 4),
            "a.weight_ih_l1": (16, 8),
            "a.weight_hh_l1": (16, 4),
        },
        "'a.weight_ih_l1_reverse' is missing",
    ),
    "inputs of the directions": (
        {**NO_LSTM, **NO_LINEAR, **wide("a.", 3, 4, 2), "a.weight_ih_l0_reverse": (16, 5)},
        "layer 1: 5 inputs, layer 0, beside it, 3",
    ),
    "Linear of one direction": (
        {**NO_LSTM, **wide("a.", 3, 4, 2), "fc.weight": (2, 2)},
        "'fc.weight': an nn.Linear of 2 inputs does not fit an LSTM of 4 outputs",
    ),
    "bidirectional GRU": (
        {
            **NO_LSTM,
            **{f"a.weight_ih_l0{end}": (12, 3) for end in ("", "_reverse")},
            **{f"a.weight_hh_l0{end}": (12, 4) for end in ("", "_reverse")},
        },
        "shape (12, 4) is that of an nn.GRU",
    ),
    "extra": ({"norm.scale": (4,)}, "'norm.scale': is no tensor of an nn.LSTM"),
    "half a norm": ({"norm.running_mean": (4,)}, "'norm.running_var' is missing"),
    "norm of two widths": (
        {"norm.running_mean": (4,), "norm.running_var": (3,)},
        "'norm.running_var': shape (3,), must be (4,)",
    ),
    "variance below 0": (
        {"norm.running_mean": (4,), "norm.running_var": np.full(4, -1.0)},
        "'norm.running_var': a variance below 0",
    ),
    "layer norm": ({"norm.weight": (4,)}, "'norm.weight': shape (4,) is that of an nn.LayerNorm"),
    "convolution": (
        {"conv.weight": (4, 3, 2)},
        "'conv.weight': shape (4, 3, 2) is that of an nn.Conv1d, supported is width 1 only",
    ),
    "four axes": ({"conv.weight": (4, 3, 1, 1)}, "'conv.weight': shape (4, 3, 1, 1) is not that"),
    "embedding": (
        {"lstm.weight_ih_l0": (16, 5), "embed.weight": (9, 5)},
        "modules 'lstm', 'fc', 'embed': a state_dict does not say in which order they compute; say "
        "it: --order embed,lstm,fc, or give ONNX",
    ),
    "initial state of another width": (
        {"h0": (1, 1, 5)},
        "'h0': shape (1, 1, 5), must be (1, 1, 4)",
    ),
    "initial states, two": (
        {"h0": (1, 1, 4), "init_h": (1, 1, 4)},
        "'h0' and 'init_h' are both the",
    ),
    "lone bias": ({"scale.bias": (4,)}, "'scale.bias': is no tensor of"),
    "cell": ({"cell.weight_ih": (16, 3)}, "'cell.weight_hh' is missing"),
    "two Linears": (
        {"out.weight": (2, 4)},
        "modules 'lstm', 'fc', 'out': a state_dict does not say in which order they compute; say "
        "it: --order FIRST,SECOND,...",
    ),
    "Linear width": (
        {"fc.weight": (2, 5)},
        "'fc.weight': an nn.Linear of 5 inputs does not fit an LSTM of 4 outputs",
    ),
    "Linear bias": ({"fc.bias": (3,)}, "'fc.bias': shape (3,), must be (2,)"),
    "no LSTM": (NO_LSTM, "no nn.LSTM is in it"),
    "GRU": ({"lstm.weight_hh_l0": (12, 4)}, "shape (12, 4) is that of an nn.GRU"),
    "RNN": ({"lstm.weight_hh_l0": (4, 4)}, "shape (4, 4) is that of an nn.RNN"),
    "other shape": (
        {"lstm.weight_ih_l0": (15, 3)},
        "'lstm.weight_ih_l0': shape (15, 3), must be (4 C, inputs) with C = 4",
    ),
    "no inputs": ({"lstm.weight_ih_l0": (16, 0)}, "'lstm.weight_ih_l0': shape (16, 0)"),
    "no cells": ({"lstm.weight_hh_l0": (0, 0)}, "'lstm.weight_hh_l0': shape (0, 0)"),
    "no dimensions": ({"lstm.weight_ih_l0": ()}, "'lstm.weight_ih_l0': shape ()"),
    "bias shape": ({"lstm.bias_hh_l0": (16, 1)}, "'lstm.bias_hh_l0': shape (16, 1)"),
    "half a bias": ({"lstm.bias_hh_l0": None}, "'lstm.bias_hh_l0' is missing"),
    "layer left out": ({"lstm.weight_ih_l2": (16, 4)}, "'lstm.weight_ih_l1' is missing"),
    "layer widths": (
        {
            "lstm.weight_ih_l1": (16, 5),
            "lstm.weight_hh_l1": (16, 4),
            "lstm.bias_ih_l1": (16,),
            "lstm.bias_hh_l1": (16,),
        },
        "nn.LSTM 'lstm', layer 1: takes 5 values, nn.LSTM 'lstm', layer 0 gives 4",
    ),
    "biases beyond float64": (
        {"lstm.bias_ih_l0": np.full(16, 1.7e308), "lstm.bias_hh_l0": np.full(16, 1.7e308)},
        "biases i[0]: inf is not a finite number",
    ),
    "NaN": ({"fc.weight": WRONG}, "'fc.weight'[1, 3]: nan is not a finite number"),
    "either order": (
        {**NO_LSTM, **NO_LINEAR, **lstm("a.", 4, 4), **lstm("b.", 4, 4)},
        "modules 'a', 'b': a state_dict does not say in which order they compute; say it",
    ),
    "no order": (
        {**NO_LSTM, **NO_LINEAR, **lstm("a.", 3, 4), **lstm("b.", 5, 6)},
        "modules 'a', 'b': a state_dict does not say in which order they compute; say it",
    ),
    "no order for the Linear": (
        {**NO_LSTM, **lstm("a.", 3, 5), **lstm("b.", 5, 6)},
        "modules 'a', 'b', 'fc': a state_dict does not say in which order they compute; say",
    ),
    "many LSTMs": (
        {**NO_LSTM, **NO_LINEAR}
        | {name: shape for k in range(7) for name, shape in lstm(f"n{k}.", 2, 2).items()},
        "modules 'n0', 'n1', 'n2', 'n3', 'n4', 'n5', ...: a state_dict does not say",
    ),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(changes, message):
    with pytest.raises(ModelError) as caught:
        pytorch.from_tensors(tensors(**changes), "net")
    assert message in str(caught.value)


def test_two_lstms_are_taken_in_the_order_that_is_told():
    shapes = {**NO_LSTM, **lstm("a.", 4, 3), **lstm("b.", 3, 4)}
    net = pytorch.from_tensors(tensors(**shapes), "net", ("a", "b", "fc"))
    assert [layer.shape.inputs for layer in net.layers] == [4, 3]


def test_an_lstm_after_a_bidirectional_one_takes_both_directions():
    """3 -> 2 + 2 -> 5 -> 2."""
    shapes = {**NO_LSTM, **lstm("a.", 4, 5), **wide("b.", 3, 4, 2), "fc.weight": (2, 5)}
    net = pytorch.from_tensors(tensors(**shapes), "net", ("b", "a", "fc"))
    assert [layer.shape.inputs for layer in net.layers] == [3, 3, 4]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (("lstm",), "order: 'fc' is missing; the modules are 'lstm', 'fc'"),
        (("lstm", "head"), "order: 'head' is no module of it; they are 'lstm', 'fc'"),
        (("lstm", "fc", "lstm"), "order: a module is there twice"),
        (("fc", "lstm"), "nn.LSTM 'lstm': takes 3 values, nn.Linear 'fc' gives 2"),
    ],
)
def test_orders_that_cannot_be(order, message):
    with pytest.raises(ModelError) as caught:
        pytorch.from_tensors(tensors(), "net", order)
    assert message in str(caught.value)


def test_an_order_of_another_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="order: only of a state_dict"):
        golden.load(tmp_path / "a.onnx", ("a",))


def test_both_biases_count():
    found = tensors()
    layer = pytorch.from_tensors(found, "net").layers[0]
    both = found["lstm.bias_ih_l0"] + found["lstm.bias_hh_l0"]
    for kind, part in zip("ifgo", np.split(both, 4), strict=True):
        assert np.array_equal(layer.biases[kind], part)


def packed(header: Any, data: bytes = b"") -> bytes:
    """A .safetensors file."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


FILES = {
    "empty": (b"", "not a readable safetensors file"),
    "no header": (struct.pack("<Q", 1 << 60), "not a readable safetensors file"),
    "not JSON": (packed(b"{{{"), "not a readable safetensors file"),
    "nothing in it": (packed({}), "no nn.LSTM is in it"),
    "whole numbers": (packed({"a": entry("I64", [1], 0, 8)}, bytes(8)), "'a': type I64, allowed"),
    "absurd shape": (packed({"a": entry("F32", [1 << 40], 0, 8)}, bytes(8)), "not a readable"),
    "overflowing shape": (packed({"a": entry("F32", [1 << 62] * 9, 0, 8)}, bytes(8)), "not a rea"),
    "beyond the end": (packed({"a": entry("F32", [2], 0, 8)}), "not a readable"),
    "a name of lines": (packed({"a\nb": entry("F32", [2], 0, 8)}, bytes(8)), r"'a\nb': is no te"),
    "a long name": (packed({"a" * 9999: entry("F32", [2], 0, 8)}, bytes(8)), "aaa...: is no"),
}


@pytest.mark.parametrize(("data", "message"), FILES.values(), ids=FILES)
def test_files_that_are_broken(data, message, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    assert message in refused(path)


def test_places_that_hold_no_file(tmp_path):
    assert refused(tmp_path / "none.safetensors") == "no such file"
    (tmp_path / "folder.safetensors").mkdir()
    assert refused(tmp_path / "folder.safetensors") == "is a folder, must be a file"


def test_a_file_beyond_all_models_is_not_read(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    assert "17179869184 bytes, allowed are" in refused(path)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(data, tmp_path_factory):
    """Cut short, some bytes other: never anything but a network or a `ModelError`, and that only of
    what is damaged."""
    path = tmp_path_factory.mktemp("f") / "a.safetensors"
    whole = WHOLE[data.draw(st.sampled_from(list(WHOLE)))]
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            inside = min(len(broken), data.draw(st.sampled_from((1200, len(whole)))))
            broken[data.draw(st.integers(0, inside - 1))] = data.draw(st.integers(0, 255))
    assert read_or_refused(path, bytes(broken)) or broken != whole


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert refused(DATA / "pytorch_plain.safetensors") == (
        f"reading .safetensors needs safetensors: {install('import')}"
    )
