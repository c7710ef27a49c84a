"""The axes of the input: as the model file declares them, as told, or refused where two fit."""

from dataclasses import replace

import numpy as np
import pytest

from carousel.cli.axes import arranged, expected
from carousel.cli.inputs import choose
from carousel.compare import expectation
from golden import InputError, Layer, Network
from golden.reading import Reading
from golden.window import Window
from tests.golden.importers import onnx_models


def network(inputs=2, **reading):
    """Two cells that take so many inputs, read from a file that says so much."""
    rng = np.random.default_rng(1)
    weights = {kind: rng.standard_normal((2, inputs + 2)) for kind in "ifog"}
    net = Network((Layer(weights, {kind: np.zeros(2) for kind in "ifog"}),))
    return replace(net, reading=Reading(**reading))


X = np.arange(24.0).reshape(3, 4, 2)  # N, T, D


@pytest.mark.parametrize("order", ["NTD", "TND", "DNT", "DTN", "NDT", "TDN"])
def test_an_input_is_given_in_the_order_that_the_file_declares_or_that_is_told(order):
    given = X.transpose(["NTD".index(letter) for letter in order])
    assert np.array_equal(arranged(network(axes=order), given, None, "x"), X)
    assert np.array_equal(arranged(network(axes="NTD"), given, order, "x"), X)


def test_one_sequence_may_be_without_an_axis_for_it():
    assert np.array_equal(arranged(network(axes="TND"), X[0], None, "x"), X[0])
    assert np.array_equal(arranged(network(), X[0].T, "NDT", "x"), X[0])
    assert arranged(network(1), np.arange(5.0), None, "x").shape == (5, 1)


@pytest.mark.parametrize(
    ("declared", "shape", "first", "other"),
    [
        ("", (300, 1, 2), "NTD", "TND"),
        ("NTD", (300, 1, 2), "NTD", "TND"),
        ("TND", (1, 300, 2), "TND", "NTD"),
        ("NDT", (300, 2, 1), "NDT", "TDN"),
    ],
)
def test_many_sequences_of_one_step_are_refused_unless_that_is_told(declared, shape, first, other):
    net, x = network(axes=declared), np.zeros(shape)
    with pytest.raises(InputError) as caught:
        arranged(net, x, None, "x.npy")
    assert str(caught.value) == (
        "x.npy: read as 300 sequences of 1 step, which may be meant as 1 sequence of 300 steps; "
        f"say which: --axes {first} or --axes {other}"
    )
    assert arranged(net, x, first, "x.npy").shape == (300, 1, 2)
    assert arranged(net, x, other, "x.npy").shape == (1, 300, 2)


def test_a_file_that_declares_time_first_gives_one_sequence_without_being_asked():
    assert arranged(network(axes="TND"), np.zeros((300, 1, 2)), None, "x").shape == (1, 300, 2)


def test_numbers_that_pick_rows_become_vectors():
    net = network(3, indices=True, axes="TN")
    picks = np.array([[0, 1], [2, 2], [1, 0], [0, 0]])
    found = arranged(net, picks, None, "x")
    assert found.shape == (2, 4, 3)
    assert np.array_equal(found.argmax(axis=2), picks.T)
    assert np.array_equal(found.sum(axis=2), np.ones((2, 4)))
    assert arranged(net, picks[:, 0], None, "x").shape == (1, 4, 3)
    assert np.array_equal(arranged(net, found, None, "x"), found)
    for bad in (3, -1, 0.5, np.nan):
        with pytest.raises(InputError, match=r"input\[0, 1\]: .* must be a number from 0 to 2"):
            arranged(net, np.array([0, bad]), None, "x")
    with pytest.raises(InputError, match="must be whole numbers"):
        arranged(net, np.array(["a"]), None, "x")


@pytest.mark.parametrize("axes", ["TNK", "ntd", "", "NTDD"])
def test_an_order_that_is_none_is_refused(axes):
    with pytest.raises(InputError, match=f"--axes {axes}: allowed are NTD, NDT, TND"):
        arranged(network(), X, axes, "x")


def test_axes_are_those_of_a_file():
    with pytest.raises(InputError, match="--axes TND: is of a file that --input names"):
        choose(network(), (), None, None, 0, "TND")


def test_an_expectation_has_the_order_of_the_outputs():
    y = np.arange(24.0).reshape(3, 4, 2)
    assert np.array_equal(expected(network(axes_out="TND"), y.swapaxes(0, 1), None), y)
    assert np.array_equal(expected(network(), y.swapaxes(0, 1), "TND"), y)
    last = replace(network(axes_out="TND"), output="last")
    assert np.array_equal(expected(last, y, None), y)


def test_one_output_may_be_without_an_axis_for_it(tmp_path):
    rng = np.random.default_rng(1)
    weights = {kind: rng.standard_normal((1, 3)) for kind in "ifog"}
    net = Network((Layer(weights, {kind: np.zeros(1) for kind in "ifog"}),))
    np.save(tmp_path / "x.npy", X[:1])
    np.save(tmp_path / "y.npy", np.arange(4.0))
    inputs = choose(net, (tmp_path / "x.npy",), None, None, 0)
    wanted = expectation.load(tmp_path / "y.npy", inputs, net)
    assert wanted.values.shape == (1, 4, 1)


def test_a_file_that_sums_up_takes_as_many_steps_as_it_says(cli, tmp_path):
    """The mean over 9 steps: sequences of 9, and of no other length."""
    after = [
        onnx_models.node("Squeeze", "y", "k", to="s", name="s"),
        onnx_models.node("ReduceMean", "s", axes=[0], keepdims=0),
    ]
    parts = {"whole": {"k": np.array([1])}, "shape": [9, 1, 2], "alone": True}
    model = onnx_models.plain(**onnx_models.behind(*after, **parts))
    file = onnx_models.save(model, tmp_path / "net.onnx")
    x = np.random.default_rng(1).standard_normal((9, 1, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", onnx_models.run(model, x))
    words = ("compare", file, "--input", tmp_path / "x.npy")
    assert cli(*words, "--expect", tmp_path / "y.npy").exit_code == 0
    short = cli(*words, "--length", 7)
    assert short.exit_code == 2
    assert "x.npy: 7 steps, the model file takes 9, of which it takes the mean" in short.stderr


def test_of_a_convolution_the_sequences_are_given_and_not_their_windows():
    """Each step of the network sees two steps of the input and one of zeros in front."""
    net = network(4, window=Window((0, 1), before=1), axes="TND")
    found = arranged(net, X.transpose(1, 0, 2), None, "x")
    shifted = np.concatenate([np.zeros((3, 1, 2)), X[:, :-1]], axis=1)
    assert np.array_equal(found, np.concatenate([shifted, X], axis=2))
    with pytest.raises(InputError, match=r"input: shape \(3, 4, 2\), must be \(T, 1\) or"):
        arranged(network(2, window=Window((0, 1))), X, None, "x")
    narrow = network(2, window=Window((0, 1)))
    assert arranged(narrow, np.arange(5.0), None, "x").shape == (4, 2)
