"""A user's error: one line that names the thing, exit status 2, and nothing half-written."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import golden
from tests.carousel.conftest import network

SHORT = ("--sequences", 2, "--length", 70)


def rewritten(model: Path, change) -> None:
    """Write a model file anew with its arrays changed."""
    with np.load(model) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(str(arrays["header"]))
    change(arrays, header)
    arrays["header"] = np.array(json.dumps(header))
    np.savez_compressed(model, **arrays)


def put_nan(arrays, header):
    arrays["layer0.weights.i"][1, 2] = np.nan


def cut_columns(arrays, header):
    arrays["layer0.weights.o"] = arrays["layer0.weights.o"][:, :-1]


def new_version(arrays, header):
    header["schema"] = 99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put_nan, ("weights i", "[1, 2]", "nan")),
        (cut_columns, ("weights o", "(2, 9)", "(2, 10)")),
        (new_version, ("version", "99")),
    ],
)
@pytest.mark.parametrize("command", ["run", "verilog"])
def test_a_broken_model_is_named(refused, model, place, command, change, words):
    rewritten(model, change)
    line = refused(command, model, "-o", place)
    assert all(word in line for word in (str(model), *words)), line
    assert not place.exists()


def test_a_model_cut_short_is_named(refused, model, place):
    model.write_bytes(model.read_bytes()[:-200])
    assert str(model) in refused("run", model, "-o", place)
    assert not place.exists()


@pytest.mark.parametrize("command", ["run", "quantize", "simulate", "compare", "hold", "verilog"])
def test_a_model_that_is_not_there_is_named(refused, tmp_path, command):
    assert "gone.npz: no such file" in refused(command, tmp_path / "gone.npz")


def test_a_recurrent_network_has_no_gateware(refused, place):
    line = refused("run", "models/temporal_order_rnn.npz", "-o", place)
    assert "plain recurrent network" in line
    assert not place.exists()


def test_a_model_of_no_known_task_needs_an_input(refused, tmp_path, place):
    path = tmp_path / "mine.npz"
    golden.save(network("mine"), path)
    assert "--input" in refused("run", path, "-o", place)


@pytest.mark.parametrize(
    ("name", "format_", "words"),
    [
        ("gate", "u15.15", "gate"),
        ("y", "u16.14", "y u16.14"),
        ("s", "s99.3", "s99.3"),
        ("s", "wide", "wide"),
    ],
)
def test_formats_that_cannot_work_are_named(cli, refused, model, place, name, format_, words):
    formats = model.with_name("formats.json")
    assert cli("quantize", model, *SHORT, "-o", formats).exit_code == 0
    data = json.loads(formats.read_text())
    data["layers"][0][name] = format_
    formats.write_text(json.dumps(data))
    assert words in refused("run", model, *SHORT, "--formats", formats, "-o", place)
    assert not place.exists()


def test_a_formats_file_that_is_none_is_named(refused, model, place):
    assert str(model) in refused("run", model, "--formats", model, "-o", place)
    assert "no such file" in refused("run", model, "--formats", "gone.json", "-o", place)


@pytest.mark.parametrize("bits", [0, 3, 64])
def test_bits_out_of_range_are_named(refused, model, place, bits):
    assert f"bits {bits}" in refused("run", model, "--bits", bits, "-o", place)


@pytest.mark.parametrize("lanes", [-1, 0, 9, 1000])
@pytest.mark.parametrize("command", ["run", "verilog"])
def test_lanes_that_do_not_fit_are_named(refused, quick_sim, model, place, command, lanes):
    line = refused(command, model, *SHORT, "--lanes", lanes, "-o", place)
    assert f"lanes {lanes}" in line
    assert "allowed" in line
    assert not place.exists()


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((5, 7)), "(5, 7)"),
        (np.zeros(8), "(8,)"),
        (np.zeros((0, 8)), "(0, 8)"),
        (np.full((5, 8), np.nan), "nan"),
        (np.full((5, 8), np.inf), "inf"),
        (np.full((5, 8), "text"), "real numbers"),
    ],
)
def test_an_input_that_does_not_fit_is_named(refused, model, place, x, words):
    path = model.with_name("x.npy")
    np.save(path, x)
    assert words in refused("run", model, "--input", path, "-o", place)
    assert not place.exists()


def test_an_input_beyond_its_format_is_refused_where_that_is_asked_for(cli, refused, model, place):
    formats, path = model.with_name("formats.json"), model.with_name("x.npy")
    assert cli("quantize", model, *SHORT, "-o", formats).exit_code == 0
    x = np.zeros((5, 8))
    x[3, 7] = 12.5
    np.save(path, x)
    line = refused("run", model, "--input", path, "--formats", formats, "--strict", "-o", place)
    assert "input[0, 3, 7]: 12.5 is outside" in line
    assert not place.exists()


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_an_input_file_that_is_none_is_named(refused, model, content):
    path = model.with_name("x.npy")
    path.write_bytes(content)
    assert str(path) in refused("compare", model, "--input", path)


def test_a_pickle_is_not_opened(refused, model):
    path = model.with_name("x.npy")
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert str(path) in refused("compare", model, "--input", path)


def test_a_missing_compiler_is_named_and_nothing_is_left(refused, model, place, monkeypatch):
    monkeypatch.setenv("PATH", str(model.parent))
    line = refused("run", model, *SHORT, "--quick", "-o", place)
    assert "compiler" in line
    assert not place.exists()
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_an_output_that_cannot_be_written_is_named(refused, model):
    file = model.with_name("file")
    file.write_text("")
    assert str(file) in refused("verilog", model, *SHORT, "-o", file)
    assert str(file) in refused("verilog", model, *SHORT, "-o", file / "below")
    assert "gone" in refused("hold", model, "--quick", "--json", model.parent / "gone" / "h.json")
    assert "folder" in refused("hold", model, "--quick", "--json", model.parent)


def test_a_failure_leaves_the_older_output_as_it_was(cli, refused, model, place):
    assert cli("verilog", model, *SHORT, "-o", place).exit_code == 0
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    refused("verilog", model, *SHORT, "--lanes", 9, "-o", place)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_an_unknown_recipe_is_named_with_those_that_exist(refused, tmp_path):
    line = refused("train", "nothing", "-o", tmp_path / "n.npz")
    assert "nothing" in line
    assert "adding" in line
    assert not (tmp_path / "n.npz").exists()


def test_a_length_too_short_for_the_task_is_named(refused, model):
    assert "length 20" in refused("compare", model, "--length", 20)


def test_an_archive_of_something_else_is_named(refused, tmp_path):
    path = tmp_path / "other.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "text")
    assert str(path) in refused("hold", path)
