"""`carousel page`: what it writes, and what it refuses; the compiler is stood in for."""

from dataclasses import replace

import numpy as np
import pytest

from carousel.page import contents, page
from golden import save
from sim.wasm import build, inside
from tests.carousel.conftest import network
from tests.carousel.nets import INPUTS, layer


@pytest.fixture
def compiled(monkeypatch):
    """A compiler that answers at once; gives the plans that it was asked for."""
    asked = []

    def fake(planned):
        asked.append(planned)
        return build.WasmModule(b"wasm", "module", inside.streams(planned.parts[0]))

    monkeypatch.setattr(contents, "build", fake)
    monkeypatch.setattr(contents, "versions", lambda: {"tool": "1"})
    monkeypatch.setattr(build, "check_tools", lambda: None)
    return asked


@pytest.fixture
def model(tmp_path):
    save(network(), tmp_path / "m.npz")
    return tmp_path / "m.npz"


def test_a_page_is_written(cli, compiled, model, tmp_path):
    """Of the core with the lanes that are asked for, and of the cell with two doors."""
    place = tmp_path / "page.html"
    done = cli("page", model, "--lanes", 2, "--length", 100, "-o", place)
    assert done.exit_code == 0, done.output
    assert [planned.qnet.name for planned in compiled] == ["temporal-order", "doors"]
    found = page.read(place.read_text())
    assert found["network"]["core"]["lanes"] == 2
    assert found["network"]["symbols"]["names"] == list("EBabcdXY")
    story = found["network"]["symbols"]["stories"]["X then Y"]
    assert [part.get("symbol") for part in story] == [0, None, 6, None, 7, None, 1]  # E, X, Y, B
    assert [part["lag"] for part in story if "lag" in part] == [9, 39, None]


def test_sequences_of_ones_own_are_played_as_they_are(cli, compiled, model, tmp_path):
    x = np.random.default_rng(0).uniform(-1, 1, (2, 30, 8))
    np.save(tmp_path / "x.npy", x)
    done = cli("page", model, "--input", tmp_path / "x.npy", "-o", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    found = page.read((tmp_path / "page.html").read_text())["network"]["symbols"]
    assert not found["names"] and [len(each) for each in found["sequences"]] == [30, 30]
    played = np.array(found["vectors"])[found["sequences"]]
    assert np.array_equal(played, compiled[0].qnet.encode(x)[0])


def test_a_network_in_reverse_is_refused(refused, compiled, tmp_path):
    rng = np.random.default_rng(0)
    net = replace(network(), name="r", layers=(layer(rng, INPUTS, cells=2, reverse=True),))
    save(net, tmp_path / "r.npz")
    np.save(tmp_path / "x.npy", np.zeros((5, INPUTS)))
    line = refused("page", tmp_path / "r.npz", "--input", tmp_path / "x.npy")
    assert line == "carousel: r: layer 0 runs in reverse, a page runs step by step"


def test_a_page_that_would_be_too_large_is_refused(refused, compiled, model, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "LARGEST", 1000)
    line = refused("page", model, "--length", 100, "-o", tmp_path / "page.html")
    assert "temporal-order: its page would have" in line and "at most 1,000 are allowed" in line
    assert not (tmp_path / "page.html").exists()


def test_verilog_that_is_too_large_is_refused(compiled, monkeypatch):
    monkeypatch.setattr(build, "LARGEST", 1000)
    planned = contents.plan(contents.quantize(contents.doors(), bits=16, calibrate=[[[1.0, 1, 1]]]))
    with pytest.raises(build.ToolError, match="its Verilog has .* characters, at most 1,000"):
        build.build(planned)


def test_a_missing_tool_is_named(refused, model, monkeypatch):
    monkeypatch.setattr(build, "PACKAGES", {"no_such_package": "no-such", "json": "json"})
    line = refused("page", model)
    assert "a page needs no-such, not installed: " in line and "carousel-lstm[page]" in line
