"""`carousel prove`: proofs of a shipped model's own core, what is left out, and errors."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from carousel import proving
from rtl.proofs import Proven
from rtl.proofs.record import digest, read
from rtl.proofs.solver import PROVEN
from tests.processes import COMMAND, marked

MODEL = Path(__file__).parents[2] / "models" / "temporal_order.npz"


def test_a_proof_of_a_shipped_core(cli, tmp_path):
    """The state's limits at full size hold; their broken twin does not, and its trace stays."""
    place, data = tmp_path / "proofs", tmp_path / "data.json"
    words = ("prove", MODEL, "--lanes", 8, "--only", "saturates-s", "-o", place, "--json", data)
    result = cli(*words)
    assert result.exit_code == 0, result.output
    assert "saturates-s" in result.stdout and "refuted" in result.stdout
    said = json.loads(data.read_text())
    (found,) = said["proofs"]
    assert said["ok"] and (found["result"], found["twin"]["result"]) == ("PASS", "FAIL")
    assert (place / "saturates-s.twin.vcd").read_text().startswith("$")
    kept = read(place / "proofs.json")
    assert kept and [each.name for each in kept.proofs] == ["saturates-s"]
    assert kept.verilog_sha256 == digest((place / "temporal-order.v").read_text())


def test_a_twin_that_passes_ends_with_1(cli, tmp_path, monkeypatch):
    """A proof that a broken design passes too is worth nothing, and is said to be so."""

    def blind(proof, folder, tell):
        found = run(proof, folder, tell)
        return Proven(proof, found.found, found.found)

    run = proving.run
    monkeypatch.setattr(proving, "run", blind)
    result = cli("prove", MODEL, "--lanes", 8, "--only", "saturates-s", "-o", tmp_path / "proofs")
    assert result.exit_code == 1
    assert "passes" in result.stdout
    assert PROVEN == "PASS"


def test_what_cannot_be_proven_is_refused(refused, tmp_path):
    """One line that names it."""
    assert "--only dragons: no such proof, there are cell, " in refused(
        "prove", MODEL, "--only", "dragons", "-o", tmp_path / "proofs"
    )
    assert not (tmp_path / "proofs").exists()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
def test_an_interrupted_proof_leaves_nothing(model, tmp_path, number):
    """No solver goes on, and no folder of it stays."""
    mark, place = f"proof-{os.getpid()}-{number}", tmp_path / "proofs"
    words = ("prove", model, "--only", "output", "-o", place)
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, words)],
        env=os.environ | {"CAROUSEL_MARK": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not any("z3" in Path(line.partition("\0")[0]).name for line in marked(mark)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        process.wait()
    assert process.returncode != 0
    assert not marked(mark)
    assert [path.name for path in tmp_path.iterdir()] == [model.name]
