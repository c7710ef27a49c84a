"""The verdict on accuracy: what it says of good and of poor formats, and of input beyond them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import golden
from golden import Network
from tests.carousel.nets import layer
from tests.fixedpoint.nets import shared

SAID = "Fixed point against float: "


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    """A model and its input."""
    model, x = tmp_path / "m.npz", tmp_path / "x.npy"
    golden.save(Network((layer(np.random.default_rng(3), 3),), name="m"), model)
    np.save(x, np.random.default_rng(4).uniform(-1, 1, (2, 30, 3)))
    return model, x


def verdict(result, path: Path) -> dict:
    """What the JSON says; the last line must say it too."""
    found = json.loads(path.read_text())["verdict"]
    assert result.stdout.splitlines()[-1] == found["sentence"]
    assert found["sentence"].startswith(SAID)
    return found


@pytest.mark.parametrize("command", ["compare", "quantize"])
def test_good_formats_are_called_good(cli, files, tmp_path, command):
    model, x = files
    place = ("-o", tmp_path / "f.json") if command == "quantize" else ()
    result = cli(command, model, "--input", x, *place, "--json", tmp_path / "j.json")
    assert result.exit_code == 0, result.output
    found = verdict(result, tmp_path / "j.json")
    assert found["good"] and not found["tried"] and not found["few_bits"]
    real = golden.load(model).run(np.load(x)).out
    assert found["spread"] == pytest.approx(real.std())
    assert found["decibels"] == pytest.approx(20 * np.log10(real.std() / found["rmse"]))


@pytest.fixture
def raw(tmp_path):
    """A model with a feature far larger than the others, whose weights are as small, and input."""
    cells, x = layer(np.random.default_rng(3), 3), np.random.default_rng(4).uniform(-1, 1, (60, 3))
    x[:, 0] = 50_000 + 9_000 * x[:, 0]
    for kind, rows in cells.weights.items():
        rows[:, 0] *= 1e-4
        cells.biases[kind][:] -= 50_000 * rows[:, 0]
    golden.save(Network((cells,), name="raw"), tmp_path / "raw.npz")
    np.save(tmp_path / "x.npy", x)
    return tmp_path / "raw.npz", tmp_path / "x.npy"


def test_a_feature_far_larger_than_the_others_costs_them_nothing(cli, raw, tmp_path):
    model, x = raw
    result = cli("compare", model, "--input", x, "--json", tmp_path / "j.json")
    found = verdict(result, tmp_path / "j.json")
    assert found["good"] and not found["few_bits"]


def test_formats_that_leave_the_recurrence_no_bits_are_said_to(cli, raw, tmp_path):
    """All sources of a row, and all elements of x, on one scale."""
    model, x = raw
    forms = shared(golden.load(model), 16, np.load(x))
    forms.dump(tmp_path / "f.json")
    words = ("compare", model, "--input", x, "--formats", tmp_path / "f.json")
    found = verdict(cli(*words, "--json", tmp_path / "j.json"), tmp_path / "j.json")
    assert not found["good"] and found["few_bits"] == ["layer 0's weights of y (0 of 16)"]
    assert "poor, " in found["sentence"]


def test_where_it_is_poor_wider_widths_are_tried(cli, raw, tmp_path):
    model, x = raw
    result = cli("compare", model, "--input", x, "--bits", 6, "--json", tmp_path / "j.json")
    found = verdict(result, tmp_path / "j.json")
    assert not found["good"] and found["tried"]["--bits 10"] > found["decibels"] + 1.0


def test_where_it_is_poor_weights_rounded_by_data_are_tried(cli, raw, tmp_path):
    """What quantize then says of them is what was promised."""
    model, x = raw
    words = ("--input", x, "--bits", 6)
    data = "`carousel quantize --round data`"
    json_ = tmp_path / "j.json"
    found = verdict(cli("compare", model, *words, "--json", json_), json_)
    promised = found["tried"][data]
    assert promised > found["decibels"] + 1.0
    words = (*words, "--round", "data", "-o", tmp_path / "f.json")
    found = verdict(cli("quantize", model, *words, "--json", json_), json_)
    assert found["decibels"] == pytest.approx(promised) and data not in found["tried"]


def test_input_beyond_its_format_is_clipped_and_counted(cli, refused, files, tmp_path):
    model, x = files
    formats, wide = tmp_path / "f.json", tmp_path / "wide.npy"
    assert cli("quantize", model, "--input", x, "-o", formats).exit_code == 0
    values = np.load(x)
    values[1, 7, 2], values[0, 3, 1] = 9.0, -12.0
    np.save(wide, values)
    words = ("compare", model, "--input", wide, "--formats", formats)
    found = verdict(cli(*words, "--json", tmp_path / "j.json"), tmp_path / "j.json")
    assert found["inputs_clipped"] == 2 and found["furthest_input"] == 6.0
    assert "2 inputs clipped, up to 6 times their format's end" in found["sentence"]
    assert not found["tried"]  # formats of a file are not chosen anew
    assert "is outside -2..1.99994 of format s16.14" in refused(*words, "--strict")


@pytest.mark.parametrize(("most", "status"), [(1e-9, 1), (0.1, 0)])
def test_fixed_point_is_judged_by_what_another_framework_gave(
    cli, refused, files, tmp_path, most, status
):
    model, x = files
    wanted = tmp_path / "y.npy"
    np.save(wanted, golden.load(model).run(np.load(x)).out)
    words = ("compare", model, "--input", x)
    limit = ("--fixed-tolerance", most)
    result = cli(*words, "--expect", wanted, *limit, "--json", tmp_path / "j.json")
    assert result.exit_code == status
    found = json.loads((tmp_path / "j.json").read_text())["expectation"]
    assert found["within"] is True and found["fixed_within"] is (status == 0)
    assert f"fixed point within {most:g}" in result.stdout
    assert "needs --expect" in refused(*words, *limit)


def test_a_given_state_is_among_what_formats_are_chosen_from(cli, files, tmp_path):
    """States of 4 where the input alone gives none beyond 1."""
    model, x = files
    np.savez(tmp_path / "s.npz", **{"0.s": np.full((2, 4), 3.9), "0.y": np.full((2, 4), -0.9)})
    words = ("compare", model, "--input", x, "--state", tmp_path / "s.npz")
    found = verdict(cli(*words, "--json", tmp_path / "j.json"), tmp_path / "j.json")
    assert found["good"]
    net = golden.load(model)
    assert np.abs(net.run(np.load(x)).get("s")).max() < 1.9
    start = replace(net.initial_state(2)[0], s=np.full((2, 4), 3.9), y=np.full((2, 4), -0.9))
    real = net.run(np.load(x), (start,)).out
    assert found["spread"] == pytest.approx(real.std())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--state-bits", 33), "bits of s 33: must be from 4 to 32"),
        (("--headroom", 0.5), "--headroom 0.5: must be a number from 1 on"),
        (("--bits", 3), "bits 3: must be from 4 to 20"),
    ],
)
def test_choices_that_cannot_be_are_refused_in_one_line(refused, files, words, said):
    model, x = files
    assert said in refused("compare", model, "--input", x, *words)


def test_a_row_that_its_scale_leaves_nothing_is_named(cli, files, tmp_path):
    model, x = files
    place = tmp_path / "f.json"
    assert cli("quantize", model, "--input", x, "--bits", 8, "-o", place).exit_code == 0
    data = json.loads(place.read_text())
    data["layers"][0]["coarser"] = {"f": [0, 0, 15, 0], "g": [15, 0, 0, 15]}
    place.write_text(json.dumps(data))
    words = ("compare", model, "--input", x, "--formats", place, "--json", tmp_path / "j.json")
    found = verdict(cli(*words), tmp_path / "j.json")
    rows = ["layer 0's row 2 of f (0 bits, coarser by 15)"]
    rows.append("layer 0's 2 of 4 rows of g (0 bits, coarser by 15)")
    assert found["few_bits"] == rows and "few bits are left to " + rows[0] in found["sentence"]


def test_a_row_that_its_scale_leaves_few_bits_is_named(cli, files, tmp_path):
    model, x = files
    place = tmp_path / "f.json"
    assert cli("quantize", model, "--input", x, "-o", place).exit_code == 0
    data = json.loads(place.read_text())
    for by, named in ((9, False), (13, True)):
        data["layers"][0]["coarser"] = {"i": [0, by, 0, 0]}
        place.write_text(json.dumps(data))
        words = ("compare", model, "--input", x, "--formats", place, "--json", tmp_path / "j.json")
        found = verdict(cli(*words), tmp_path / "j.json")
        rows = [each for each in found["few_bits"] if "row" in each]
        assert rows == (["layer 0's row 1 of i (3 bits, coarser by 13)"] if named else [])


def test_an_input_of_one_value_is_said_to_say_nothing(cli, files, tmp_path):
    model, x = files
    np.save(x, np.full((2, 30, 3), 3.5))
    place = tmp_path / "f.json"
    words = ("--input", x, "--json", tmp_path / "j.json")
    found = verdict(cli("quantize", model, *words, "-o", place), tmp_path / "j.json")
    assert "the input is 3.5 throughout, which says no ranges" in found["sentence"]
    found = verdict(cli("compare", model, *words, "--formats", place), tmp_path / "j.json")
    assert "throughout" not in found["sentence"]


def test_wider_input_needs_no_other_formats_by_hand(cli, files, tmp_path):
    """Eight bits more of range: what was clipped no longer is, all else is as it was."""
    model, x = files
    place = tmp_path / "f.json"
    assert cli("quantize", model, "--input", x, "--bits", 12, "-o", place).exit_code == 0
    np.save(x, 50 * np.load(x))
    words = ("compare", model, "--input", x, "--formats", place, "--json", tmp_path / "j.json")
    clipped = verdict(cli(*words), tmp_path / "j.json")
    assert clipped["inputs_clipped"] > 0
    data = json.loads(place.read_text())
    width, _, frac = data["input"][1:].partition(".")
    data["input"] = f"s{int(width) + 8}.{frac}"
    place.write_text(json.dumps(data))
    found = verdict(cli(*words), tmp_path / "j.json")
    assert found["inputs_clipped"] == 0 and found["decibels"] > clipped["decibels"] + 10
