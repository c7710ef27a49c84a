"""Model files of every kind of cell: options come back, old files load, damage is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

import golden
from golden import Layer, Network
from tests.golden import nets
from tests.golden.test_modelfile import members, refused, rewrite, write


def test_every_option_crossed_comes_back(tmp_path):
    """And the comparison sees each option: no two of these networks are the same."""
    rng, path, seen = np.random.default_rng(81), tmp_path / "a.npz", []
    for options in list(nets.crossed())[::7]:
        net = Network((nets.layer(rng, 2, 2, **options),), name="crossed", made_by="a test")
        back = golden.load(write(path, net))
        assert nets.same(back, net)
        assert not any(nets.same(back, other) for other in seen)
        seen.append(net)
    assert len(seen) > 30


CHANGES = {
    "gate": {"gate": "hard"},
    "coupled": {"coupled": True},
    "reverse": {"reverse": True},
    "clip": {"clip": {"gate": (-1.0, 2.0)}},
    "other clip": {"clip": {"g": (-1.0, 2.0)}},
    "peepholes": {"peepholes": {kind: np.full(3, 0.5) for kind in "io"}},
    "projection": {"projection": np.eye(3)},
    "initial": {"initial": {"s": np.full(3, 0.25)}},
    "other initial": {"initial": {"y": np.full(3, 0.25)}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_option_alone_is_kept_and_changes_the_run(change, tmp_path):
    plain = nets.layer(np.random.default_rng(82), 2, 3, forget=False)
    net = Network((replace(plain, **change),))
    back = golden.load(write(tmp_path / "a.npz", net))
    assert nets.same(back, net) and not nets.same(back, Network((plain,)))
    x = 3 * np.random.default_rng(83).normal(size=(9, 2))
    assert np.array_equal(back.run(x).out, net.run(x).out)
    if "projection" not in change:  # by the unit matrix
        assert not np.array_equal(back.run(x).out, Network((plain,)).run(x).out)


@pytest.mark.parametrize("output", ["every", "last", "final"])
def test_the_output_comes_back(output, tmp_path):
    net = nets.bidirectional(np.random.default_rng(84), output=output)
    assert golden.load(write(tmp_path / "a.npz", net)).output == output


def test_a_version_1_file_is_read(tmp_path):
    """Written by hand as it was before there were options."""
    rng, path = np.random.default_rng(85), tmp_path / "old.npz"
    hidden = nets.layer(rng, 2, 2, 2, False, True, "g1997", "h1997")
    (dense,) = nets.readout(rng, 4, 1)
    entry = {"block_size": 2, "gate_recurrence": True, "g": "g1997", "h": "h1997"}
    header = {
        "schema": 1,
        "name": "old",
        "made_by": "by hand",
        "kind": "lstm",
        "layers": [{**entry, "kinds": ["i", "o", "g"]}],
        "readout": "sigma",
    }
    arrays = {f"layer0.weights.{kind}": hidden.weights[kind] for kind in "iog"}
    arrays |= {f"layer0.biases.{kind}": hidden.biases[kind] for kind in "iog"}
    arrays |= {"readout.weights": dense.weights, "readout.biases": dense.biases}
    np.savez(path, header=np.array(json.dumps(header)), **arrays)
    assert nets.same(golden.load(path), Network((hidden,), (dense,), "old", "by hand"))


def damaged(tmp_path, change):
    """The refusal of a file of every option whose header `change` has changed."""
    path = write(tmp_path / "a.npz", nets.every_option(np.random.default_rng(86)))
    header, arrays = members(path)
    change(header["layers"][0], arrays)
    rewrite(path, header, arrays)
    return refused(path)


def options(**changes):
    return lambda entry, arrays: entry["options"].update(changes)


def without(name):
    return lambda entry, arrays: entry["options"].pop(name)


def extras(*names):
    return lambda entry, arrays: entry.update(extras=list(names))


def array(name, value):
    return lambda entry, arrays: arrays.update({f"layer0.{name}": value})


DAMAGED = {
    "no options": (lambda e, a: e.pop("options"), "layer 0: header: 'options' is missing"),
    "options a list": (lambda e, a: e.update(options=[]), "'options' is [], must be of type dict"),
    "no extras": (lambda e, a: e.pop("extras"), "layer 0: header: 'extras' is missing"),
    "a missing option": (without("gate"), "layer 0: header: 'gate' is missing"),
    "an option more": (options(relu=1), "options gate, coupled, reverse, beside, clip, relu, must"),
    "a number for a word": (options(gate=3), "'gate' is 3, must be of type str"),
    "another gate": (options(gate="tanh"), "gates 'tanh': allowed are sigma, hard"),
    "one for true": (options(coupled=1), "'coupled' is 1, must be of type bool"),
    "coupled with f": (options(coupled=True), "'f' must not be there where f = 1 - i"),
    "beside forward": (options(beside=True), "a layer beside another must run in reverse"),
    "beside first": (
        options(beside=True, reverse=True),
        "layer 0: beside another layer, but it is",
    ),
    "clip of a word": (options(clip={"g": "ab"}), "clip of 'g' is 'ab', must be two numbers"),
    "clip of words": (options(clip={"g": ["a", 1]}), "clip of 'g' is ['a', 1], must be two"),
    "clip of true": (options(clip={"g": [False, True]}), "must be two numbers"),
    "clip of three": (options(clip={"g": [0, 1, 2]}), "must be two numbers, the lower one first"),
    "clip of NaN": (options(clip={"g": [float("nan"), 1]}), "clip of g (nan, 1): must be two"),
    "clip beyond float": (options(clip={"g": [0, 10**400]}), "not a readable model file"),
    "clip of h": (options(clip={"h": [0, 1]}), "clip of 'h': allowed are 'gate', 'g'"),
    "an extra of nothing": (extras("relu"), "header: extra 'relu' is not known"),
    "an extra that is no word": (extras(7), "header: extra 7 is not known"),
    "peepholes of no gate": (extras("peepholes"), "extra 'peepholes' is not known"),
    "a projection of a gate": (extras("projection.i"), "extra 'projection.i' is not known"),
    "an extra twice": (extras("projection", "projection"), "'layer0.projection' is missing"),
    "extras left out": (extras(), "array 'layer0.peepholes.i' is not part of a version 2 model"),
    "some peepholes": (extras("peepholes.i"), "layer peepholes: i, must be those of i, f, o"),
    "a missing array": (lambda e, a: a.pop("layer0.initial.s"), "'layer0.initial.s' is missing"),
    "a scalar projection": (array("projection", np.array(1.0)), "projection: shape (), must be"),
    "a wide projection": (array("projection", np.ones((2, 5))), "projection: shape (2, 5), must"),
    "single peepholes": (array("peepholes.o", np.ones(4, "f4")), "peepholes o: type float32"),
    "a NaN to start from": (array("initial.s", np.full(4, np.nan)), "initial s[0]: nan is not"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_options_are_refused(change, message, tmp_path):
    assert message in damaged(tmp_path, change)


def test_damaged_outputs_are_refused(tmp_path):
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    rewrite(path, {**header, "output": "first"}, arrays)
    assert refused(path) == "output 'first': allowed are every, last, final"
    rewrite(path, {**header, "output": None}, arrays)
    assert refused(path) == "header: 'output' is None, must be of type str"
    del header["output"]
    rewrite(path, header, arrays)
    assert refused(path) == "header: 'output' is missing"


def test_options_in_a_version_1_file_are_not_read(tmp_path):
    """Version 1 knew none: what belongs to them is refused, not half understood."""
    path = write(tmp_path / "a.npz", nets.every_option(np.random.default_rng(87)))
    header, arrays = members(path)
    rewrite(path, {**header, "schema": 1}, arrays)
    assert "weights i: shape" in refused(path) or "not part of a version 1 model" in refused(path)


def test_layers_of_every_kind_have_a_file_of_their_own_names():
    """What `save` writes is what `Layer` takes: a new option would have to be put into both."""
    known = {"weights", "biases", "block_size", "gate_recurrence", "g", "h", "shape"}
    known |= {*golden.modelfile.OPTIONS, "peepholes", "projection", "initial"}
    assert known == set(Layer.__dataclass_fields__)
