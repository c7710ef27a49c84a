"""Formats: written and read back, and every combination that cannot work refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixedpoint import Format, FormatError, Formats, choose_formats, quantize
from golden import Network
from tests.fixedpoint.nets import forget_network, layer, paper_network, scattered, shared, uniform
from tests.golden.nets import headed

some_format = st.builds(Format, st.integers(2, 32), st.integers(-32, 64), st.booleans())


def refusal(call, *args, **more):
    """The one line of the FormatError that the call must raise."""
    with pytest.raises(FormatError) as error:
        call(*args, **more)
    assert "\n" not in str(error.value)
    return str(error.value)


@given(some_format)
def test_text_round_trip(form):
    assert Format.parse(str(form)) == form


def test_text_form():
    assert str(Format(16, 12)) == "s16.12" and str(Format(15, 14, signed=False)) == "u15.14"
    assert Format.parse("s8.-3") == Format(8, -3)


@pytest.mark.parametrize(
    "text",
    ["", "s", "16.12", "x16.12", "s16", "s16.", "s.3", "s16.--3", "s16.3-", "s16.1.2", " s16.3"],
)
def test_other_text_is_refused(text):
    assert refusal(Format.parse, text) == f"format {text!r}: must look like s16.12 or u15.14"


@pytest.mark.parametrize("thing", [None, 16, ["s16.12"], "s1" + "0" * 5000 + ".1", "s١٦.١٢"])
def test_what_is_not_a_format_at_all_is_refused(thing):
    message = refusal(Format.parse, thing)
    assert message.startswith("format ") and len(message) < 100


@pytest.mark.parametrize(
    ("width", "frac", "reason"),
    [
        (1, 0, "format s1.0: width 1, must be a whole number from 2 to 32"),
        (33, 0, "format s33.0: width 33, must be a whole number from 2 to 32"),
        (16, 65, "format s16.65: fraction bits 65, must be a whole number from -32 to 64"),
        (16, -33, "format s16.-33: fraction bits -33, must be a whole number from -32 to 64"),
        (16.0, 3, "format s16.0.3: width 16.0, must be a whole number from 2 to 32"),
    ],
)
def test_formats_out_of_range_are_refused(width, frac, reason):
    assert refusal(Format, width, frac) == reason


@given(some_format, st.floats(-1e6, 1e6))
def test_encode_is_nearest_ties_up_saturated(form, value):
    code, saturated = form.encode(value)
    assert form.low <= code <= form.high
    if saturated:
        assert code in (form.low, form.high) and not form.low <= value / form.lsb <= form.high
    else:
        assert -0.5 < code - value / form.lsb <= 0.5
    assert form.encode(form.decode(code)) == (code, 0)


def test_encode_counts_what_it_clips():
    codes, saturated = Format(4, 1).encode([-4.3, -4.0, -0.25, 0.25, 0.2, 3.5, 3.75, 100.0])
    assert codes.tolist() == [-8, -8, 0, 1, 0, 7, 7, 7] and saturated == 3


@given(st.integers(2, 32), st.floats(1e-6, 1e6), st.booleans())
def test_fitting_holds_the_value_and_wastes_no_bit(width, largest, signed):
    form = Format.fitting(width, largest, signed)
    assert form.holds(largest) and not (
        form.frac < 64 and replace(form, frac=form.frac + 1).holds(largest)
    )


def test_fitting_of_nothing_at_all():
    """Weights that are all zero, or next to it, still get a format."""
    assert Format.fitting(8, 0.0) == Format.fitting(8, 1.0) == Format(8, 6)
    assert Format.fitting(8, 1e-300).frac == 64


def headed_network():
    """Three dense stages of different squashes, with calibration input."""
    return headed(np.random.default_rng(3)), np.random.default_rng(4).normal(0, 1, (3, 20, 2))


@pytest.mark.parametrize("network", [forget_network, paper_network, headed_network])
def test_dump_and_parse(network, tmp_path):
    net, x = network()
    forms = choose_formats(net, 13, x)
    forms.dump(tmp_path / "formats.json")
    assert Formats.parse(tmp_path / "formats.json") == forms
    assert [file.name for file in tmp_path.iterdir()] == ["formats.json"]
    assert json.loads((tmp_path / "formats.json").read_text())["input"] == str(forms.input)


def test_scales_of_rows_and_elements_are_written_and_read(tmp_path):
    """They are in the file and in the digest's text; files without them have none."""
    net, x = headed_network()
    forms = choose_formats(net, 13, x)
    plain = replace(forms, inputs=(), layers=tuple(replace(f, coarser={}) for f in forms.layers))
    plain = replace(plain, head=tuple(replace(f, coarser=()) for f in forms.head))
    own = scattered(np.random.default_rng(1), net, 13, x)
    own.dump(tmp_path / "own.json")
    plain.dump(tmp_path / "plain.json")
    assert Formats.parse(tmp_path / "own.json") == own != plain
    assert Formats.parse(tmp_path / "plain.json") == plain
    text = (tmp_path / "plain.json").read_text()
    assert "coarser" not in text + plain.text() and "inputs" not in text + plain.text()
    data = json.loads((tmp_path / "own.json").read_text())
    assert data["inputs"] == list(own.inputs)
    assert data["readout"]["coarser"] == list(own.head[-1].coarser)
    assert own.text() != plain.text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"inputs": (3,)}, "inputs: fraction bits of 1 elements, the network has 4"),
        ({"coarser": {"i": (1, 2)}}, "layer 0 i coarser: has 2 numbers, must have 6"),
        ({"coarser": {"g": (16,) * 6}}, "layer 0 g coarser 16: must be from 0 to 15"),
        ({"coarser": {"y": (1,)}}, "layer 0 coarser y: there are rows of i, f, o, g"),
    ],
)
def test_scales_that_do_not_fit_the_network_are_refused(change, reason):
    net, x = forget_network()
    forms = choose_formats(net, 12, x)
    if "coarser" in change:
        forms = with_layer(forms, **change)
    assert refusal(quantize, net, replace(forms, inputs=change.get("inputs", ()))) == reason


def good_json(tmp_path):
    net, x = paper_network()
    choose_formats(net, 13, x).dump(tmp_path / "good.json")
    return json.loads((tmp_path / "good.json").read_text())


def break_layer(data, **change):
    data["layers"][0].update(change)


BREAKAGES = {
    "not a list": lambda d: d.update(layers=3),
    "a layer that is text": lambda d: d.update(layers=["s16.12"]),
    "a missing name": lambda d: d.pop("input"),
    "a name too many": lambda d: d.update(extra="s16.12"),
    "dense, no list": lambda d: d.update(dense=d["readout"]),
    "dense without a readout": lambda d: d.update(dense=[d["readout"]], readout=None),
    "an empty readout": lambda d: d.update(readout={}),
    "a readout of numbers": lambda d: d.update(readout={"weights": 1, "out": 2}),
    "weights that are a list": lambda d: break_layer(d, weights=["s16.12"]),
    "a gate of nothing": lambda d: break_layer(d, gate=None),
    "a format too wide": lambda d: break_layer(d, s="s99.0"),
    "scales of rows that are a list": lambda d: break_layer(d, coarser=[1]),
    "a row of text": lambda d: break_layer(d, coarser={"i": ["1"]}),
    "a row finer than the finest": lambda d: break_layer(d, coarser={"i": [-1, 0]}),
    "a row far too coarse": lambda d: d["readout"].update(coarser=[16, 0]),
    "inputs that are a number": lambda d: d.update(inputs=3),
    "an element of no whole bits": lambda d: d.update(inputs=[1.5]),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_broken_files_are_refused(name, tmp_path):
    data = good_json(tmp_path)
    BREAKAGES[name](data)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(data))
    assert refusal(Formats.parse, path).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "3", "{", '{"layers": []}', "[" * 100000, "\xff"]
)
def test_files_that_are_something_else_are_refused(text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="latin-1")
    assert refusal(Formats.parse, path).startswith(f"{path}: ")


def test_missing_files_and_folders_are_refused(tmp_path):
    assert refusal(Formats.parse, tmp_path / "none") == f"{tmp_path}/none: no such file"
    assert refusal(Formats.parse, tmp_path) == f"{tmp_path}: is a folder, must be a file"


def with_layer(forms, **change):
    return replace(forms, layers=(replace(forms.layers[0], **change),))


def f(text):
    return Format.parse(text)


# the 12-bit formats of the 1997 network, each with one thing changed, and the reason it is refused
REFUSALS = {
    "a gate without a code for 1.0": (
        lambda d: with_layer(d, gate=f("u11.11")),
        "layer 0 gate u11.11: must be unsigned with 1.0 as its highest bit",
    ),
    "a signed gate": (
        lambda d: with_layer(d, gate=f("s12.10")),
        "layer 0 gate s12.10: must be unsigned with 1.0 as its highest bit",
    ),
    "g that cannot hold 2.0": (
        lambda d: with_layer(d, g=f("s12.10")),
        "layer 0 g s12.10: cannot hold +2.0, an end of g1997",
    ),
    "h that cannot hold 1.0": (
        lambda d: with_layer(d, h=f("s12.11")),
        "layer 0 h s12.11: cannot hold +1.0, an end of h1997",
    ),
    "an unsigned state": (lambda d: with_layer(d, s=f("u12.8")), "layer 0 s u12.8: must be signed"),
    "an unsigned input": (lambda d: replace(d, input=f("u12.8")), "input u12.8: must be signed"),
    "a finer gate than sigma": (
        lambda d: with_layer(d, gate=f("u20.19")),
        "layer 0 gate u20.19: sigma u12.11 is too coarse for it, at least 19 fraction bits",
    ),
    "a coarse pre-activation": (
        lambda d: replace(d, argument=f("s11.6")),
        "layer 0 gate u11.10: pre-activation s11.6 is too coarse for it (its rounding would cost "
        "more than 1 LSB), at least 8 fraction bits",
    ),
    "a short pre-activation": (
        lambda d: replace(d, argument=f("s12.9")),
        "pre-activation s12.9: reaches 3.998, but sigma in u12.11 is exactly 0 and 1 only beyond "
        "8.318; give it more integer bits",
    ),
    "missing weights": (
        lambda d: with_layer(d, weights={"x": f("s12.10"), "y": f("s12.10")}),
        "layer 0 weights: formats for x, y; needed are x, y, gates",
    ),
    "no layers": (lambda d: replace(d, layers=()), "formats: 0 layers, the network has 1"),
    "no readout": (
        lambda d: replace(d, head=()),
        "formats: 0 dense stages, the network has 1",
    ),
    "an unsigned weight": (
        lambda d: with_layer(d, weights={**d.layers[0].weights, "y": f("u12.9")}),
        "layer 0 weights of y u12.9: must be signed",
    ),
    "readout weights unsigned": (
        lambda d: replace(d, head=(replace(d.readout, weights=f("u12.9")),)),
        "readout weights u12.9: must be signed",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_formats_that_cannot_work_are_refused(name):
    net, x = paper_network()
    change, reason = REFUSALS[name]
    forms = uniform(net, 12, x)
    assert quantize(net, forms).formats == forms
    assert refusal(quantize, net, change(forms)) == reason


def option_network():
    """Peepholes and a projection, with its calibration input."""
    rng = np.random.default_rng(8)
    net = Network((layer(rng, 3, 4, peepholes=True, projection=2),))
    return net, rng.normal(0, 1, (3, 40, 3))


# the 12-bit formats of a layer with peepholes and a projection, each with one thing changed
OPTION_REFUSALS = {
    "no format for peepholes": (
        lambda d: without_weights(d, "s"),
        "layer 0 weights: formats for x, y, m; needed are x, y, s, m",
    ),
    "no format for the projection's weights": (
        lambda d: without_weights(d, "m"),
        "layer 0 weights: formats for x, y, s; needed are x, y, s, m",
    ),
    "no format for m": (
        lambda d: with_layer(d, m=None),
        "layer 0: no format for m, and a projection",
    ),
    "an unsigned m": (lambda d: with_layer(d, m=f("u12.10")), "layer 0 m u12.10: must be signed"),
    "unsigned peepholes": (
        lambda d: with_layer(d, weights={**d.layers[0].weights, "s": f("u12.9")}),
        "layer 0 weights of s u12.9: must be signed",
    ),
    "a projection too wide": (
        lambda d: with_layer(d, m=f("s32.30"), weights={**d.layers[0].weights, "m": f("s32.20")}),
        "layer 0 projection: a sum needs 66 bits, at most 63 are allowed; use narrower formats",
    ),
}


def without_weights(forms, source):
    kept = {name: form for name, form in forms.layers[0].weights.items() if name != source}
    return with_layer(forms, weights=kept)


@pytest.mark.parametrize("name", OPTION_REFUSALS)
def test_formats_that_do_not_go_with_the_options_are_refused(name):
    net, x = option_network()
    change, reason = OPTION_REFUSALS[name]
    forms = choose_formats(net, 12, x)
    assert quantize(net, forms).formats == forms
    assert refusal(quantize, net, change(forms)) == reason


def test_formats_for_options_that_a_layer_does_not_have_are_refused():
    net, x = forget_network()
    forms = choose_formats(net, 12, x)
    more = with_layer(forms, weights={**forms.layers[0].weights, "s": f("s12.9")})
    want = "layer 0 weights: formats for x, y, s; needed are x, y"
    assert refusal(quantize, net, more) == want
    want = "layer 0: a format for m, and no projection"
    assert refusal(quantize, net, with_layer(forms, m=f("s12.9"))) == want


def test_dump_and_parse_with_options(tmp_path):
    net, x = option_network()
    forms = choose_formats(net, 13, x)
    assert set(forms.layers[0].weights) == {"x", "y", "s", "m"} and forms.layers[0].m
    forms.dump(tmp_path / "formats.json")
    assert Formats.parse(tmp_path / "formats.json") == forms


def test_files_from_before_there_were_projections_are_read(tmp_path):
    """They have no `m`."""
    net, x = forget_network()
    forms, path = choose_formats(net, 13, x), tmp_path / "formats.json"
    forms.dump(path)
    data = json.loads(path.read_text())
    assert data["layers"][0].pop("m") is None
    path.write_text(json.dumps(data))
    assert Formats.parse(path) == forms


def test_values_beyond_every_format_name_their_layer():
    net, x = forget_network()
    net = Network((*net.layers, layer(np.random.default_rng(9), 6, 2, g="identity", scale=1e12)))
    message = refusal(uniform, net, 12, np.clip(x, -1, 1))
    assert message.startswith("layer 1: values of up to ")
    assert message.endswith(": 12 bits hold at most 8.79e+12")


def test_different_scales_are_refused():
    net, x = paper_network()
    forms = choose_formats(net, 12, x)
    weights = dict(forms.layers[0].weights)
    weights["y"] = replace(weights["y"], frac=weights["y"].frac + 1)
    message = refusal(quantize, net, with_layer(forms, weights=weights))
    assert message.startswith("layer 0: weight + source fraction bits {'x': ")
    assert message.endswith("must be the same for every source")


def test_sums_that_overflow_are_refused():
    net, x = forget_network()
    forms = shared(net, 12, x)
    wide = with_layer(forms, weights={"x": f("s32.10"), "y": f("s32.10")}, y=f("s32.10"))
    message = refusal(quantize, net, replace(wide, input=f("s32.10")))
    assert message == "layer 0: a sum needs 67 bits, at most 63 are allowed; use narrower formats"


def test_a_bias_beyond_its_scale_is_refused():
    net, x = forget_network()
    net.layers[0].biases["i"][2] = 1.5
    fine = with_layer(choose_formats(net, 12, x), weights={"x": f("s12.40"), "y": f("s12.40")})
    fine = replace(with_layer(fine, y=f("s12.20")), input=f("s12.20"))
    assert refusal(quantize, net, fine) == (
        "layer 0 i bias 1.5: with the 60 fraction bits of its sum it needs 62 bits, "
        "at most 54 are allowed"
    )


@pytest.mark.parametrize("bits", [3, 21, 0, -1])
def test_bits_out_of_range_are_refused(bits):
    net, x = forget_network()
    assert refusal(quantize, net, bits=bits, calibrate=x) == f"bits {bits}: must be from 4 to 20"


def test_neither_formats_nor_calibration_is_refused():
    message = refusal(quantize, forget_network()[0])
    assert (
        message
        == "quantize: neither formats nor calibration data were given, one of them is needed"
    )


def test_magnitude_is_the_larger_end():
    assert Format(8, 0).magnitude == 128 and Format(8, 0, signed=False).magnitude == 255
    assert np.abs([Format(8, 0).low, Format(8, 0).high]).max() == 128
