"""The hashes of the Verilog: each configuration is another core, and a difference is seen."""

import json
import sys
from importlib import util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools/verilog_hashes.py"


@pytest.fixture
def hashes():
    spec = util.spec_from_file_location("verilog_hashes", SCRIPT)
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(hashes, monkeypatch, capsys, *arguments):
    """Status, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["verilog_hashes.py", *map(str, arguments)])
    status = 0
    try:
        hashes.main()
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


def test_what_was_printed_is_compared(hashes, monkeypatch, capsys, tmp_path):
    makers = {"a": lambda: "module a;", "b": lambda: "module b;"}
    monkeypatch.setattr(hashes, "models", dict)
    monkeypatch.setattr(hashes, "configurations", lambda: makers)
    status, printed, _ = run(hashes, monkeypatch, capsys)
    assert status == 0 and list(json.loads(printed)) == ["a", "b"]
    kept = tmp_path / "kept.json"
    kept.write_text(printed)
    assert run(hashes, monkeypatch, capsys, "--check", kept)[:2] == (
        0,
        "2 compared, 0 differ\n",
    )
    makers["b"] = lambda: "module b; "
    makers["c"] = makers.pop("a")
    status, _, told = run(hashes, monkeypatch, capsys, "--check", kept)
    assert status == 1
    assert [line.split(":")[0] for line in told.splitlines()] == ["a", "b", "c"]


def test_a_configuration_is_the_same_each_time_and_another_than_its_neighbour(hashes):
    make = hashes.configurations()
    texts = [make[name]() for name in ("one lane", "one lane", "streams")]
    assert texts[0] == texts[1] != texts[2]


def test_every_shipped_lstm_is_hashed(hashes):
    shipped = {path.stem for path in (SCRIPT.parents[1] / "models").glob("*.npz")}
    named = {Path(name).stem for name in hashes.models()}
    assert named == shipped - {"temporal_order_rnn"}
