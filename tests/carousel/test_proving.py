"""`carousel prove`: proofs of a shipped model's own core, what is left out, and errors."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from carousel import prove
from carousel.measure.proofs import FOR_EVER, HELD_BY
from rtl.kit.header import digest
from rtl.mutants.mutant import Mutant
from rtl.proofs import Outcome, Proof, Proven, Twin
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.record import read
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from rtl.proofs.twins import Challenge, Drawn
from tests.data import make_two_layers
from tests.processes import COMMAND, marked

MODELS = Path(__file__).parents[2] / "models"
MODEL, HELD = MODELS / "temporal_order.npz", MODELS / "temporal_order_held.npz"


def test_a_proof_of_a_shipped_core(cli, tmp_path):
    """The state's limits at full size hold; their broken twin does not, and its trace stays."""
    place, data = tmp_path / "proofs", tmp_path / "data.json"
    words = ("prove", MODEL, "--lanes", 8, "--only", "saturates-s", "-o", place, "--json", data)
    result = cli(*words)
    assert result.exit_code == 0, result.output
    assert "saturates-s" in result.stdout and "refuted" in result.stdout
    said = json.loads(data.read_text())
    (found,) = said["proofs"]
    assert said["ok"] and (found["result"], found["twin"]["result"]) == ("proven", "refuted")
    assert (place / "saturates-s.twin.vcd").read_text().startswith("$")
    kept = read(place / "proofs.json")
    assert kept and [each.name for each in kept.proofs] == ["saturates-s"]
    assert kept.verilog_sha256 == digest((place / "carousel_temporal_order.v").read_text())


@pytest.fixture
def quick(monkeypatch):
    """Every statement can be made and is proven, or what the dictionary says of it instead."""
    status: dict[str, str] = {}

    def maker(name):
        return lambda core, design: Proof(
            name, "It holds.", "it", (), design, lambda d: Harness(d, ""), 2, Twin("", design, 2)
        )

    def answer(proof, folder, tell):
        twin = Outcome("refuted", 1.0, None, "a == b")
        return Proven(proof, Outcome(status.get(proof.name, "proven"), 1.0, None, ""), twin)

    monkeypatch.setattr(prove, "run", answer)
    for makers in (MAKERS, BUSES):
        for name in makers:
            monkeypatch.setitem(makers, name, maker(name))
    return status


def test_a_twin_that_passes_ends_with_1(cli, quick, model, tmp_path, monkeypatch):
    """A proof that a broken design passes too is worth nothing, and is said to be so."""

    def blind(proof, folder, tell):
        found = answer(proof, folder, tell)
        return replace(found, twin=replace(found.found, status="passes"))

    answer = prove.run
    monkeypatch.setattr(prove, "run", blind)
    result = cli("prove", model, "--only", "saturates-s", "-o", tmp_path / "proofs")
    assert result.exit_code == 1
    assert "passes" in result.stdout


@pytest.fixture
def left_out(monkeypatch):
    """Says of a statement that it cannot be made of a core."""

    def leave(name: str, error: type[ProofError]) -> None:
        def refuse(core, design):
            raise error("for a reason")

        monkeypatch.setitem(MAKERS, name, refuse)

    return leave


def test_what_was_asked_for_and_cannot_be_stated_ends_with_1(cli, quick, left_out, model, tmp_path):
    """A record without proofs is never ok; nothing of it looks like one that is proven."""
    data = tmp_path / "data.json"
    left_out("cell", ProofError)
    left_out("hold", InapplicableError)
    words = ("--only", "cell", "--only", "hold", "-o", tmp_path / "proofs", "--json", data)
    result = cli("prove", model, *words)
    assert result.exit_code == 1 and result.exception.__class__ is SystemExit, result.output
    assert "cell: not provable (for a reason)" in result.stdout
    assert "hold: inapplicable (for a reason)" in result.stdout
    assert "sum" not in result.stdout
    kept, said = read(tmp_path / "proofs" / "proofs.json"), json.loads(data.read_text())
    assert kept and not kept.ok and not said["ok"]
    assert said["proofs"] == [] and set(said["left_out"]) == {*MAKERS, *TRAINED}
    assert said["left_out"]["sum"]["status"] == "not run"


@pytest.mark.parametrize(
    ("error", "only", "status"),
    [
        (InapplicableError, (), 0),
        (InapplicableError, ("cell", "hold"), 1),
        (ProofError, (), 1),
        (ProofError, ("cell",), 0),
    ],
)
def test_what_applies_and_what_is_asked_for_has_to_be_proven(
    cli, quick, left_out, model, tmp_path, error, only, status
):
    left_out("hold", error)
    wanted = (word for name in only for word in ("--only", name))
    result = cli("prove", model, *wanted, "-o", tmp_path / "proofs")
    assert result.exit_code == status, result.output


@pytest.mark.parametrize(
    "words",
    [
        ("--axi",),
        ("--state-port", "--load-port"),
        ("--streams", 2),
        ("--nonzeros", 1, "--lanes", 2),
        ("--bits", 12, "--sequences", 3, "--length", 70, "--seed", 5),
    ],
)
def test_what_is_proven_is_what_is_written(cli, quick, model, tmp_path, words):
    """The record is about the bytes that `carousel verilog` writes with the same options."""
    written, record = tmp_path / "verilog", tmp_path / "proofs"
    assert cli("verilog", model, *words, "-o", written).exit_code == 0
    result = cli("prove", model, *words, "-o", record)
    assert result.exit_code == 0, result.output
    kept = read(record / "proofs.json")
    text = (written / "carousel_temporal_order.v").read_text()
    assert kept and kept.verilog_sha256 == digest(text)
    buses = set(BUSES) if "--axi" in words else set()
    assert {each.name for each in kept.proofs} == {*MAKERS, *buses}


@pytest.mark.soak
@pytest.mark.parametrize(
    "words",
    [
        ("--axi",),
        ("--state-port",),
        ("--load-port",),
        ("--streams", 2),
        ("--nonzeros", 1, "--lanes", 2),
    ],
    ids=str,
)
def test_all_of_a_core_is_proven_with_each_option(cli, model, tmp_path, words):
    result = cli("prove", model, *words, "-o", tmp_path / "proofs")
    assert result.exit_code == 0, result.output


@pytest.mark.soak
def test_the_network_that_holds_is_proven_to_hold_for_ever(cli, tmp_path):
    wanted = (word for name in ("closed", *HELD_BY) for word in ("--only", name))
    result = cli("prove", HELD, "--length", 100, *wanted, "-o", tmp_path / "proofs")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(FOR_EVER)


@pytest.mark.soak
def test_two_layers_with_formats_of_their_own_are_proven(cli, tmp_path):
    make_two_layers.write(tmp_path)
    words = ("--formats", tmp_path / "two.json", "--input", tmp_path / "two.npy", "--lanes", 8)
    result = cli("prove", tmp_path / "two.npz", *words, "-o", tmp_path / "proofs")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("status", "code"), [("refuted", 0), ("passes", 1)])
def test_drawn_twins_that_are_not_refuted_end_with_1(
    cli, quick, model, tmp_path, monkeypatch, status, code
):
    """The hand-picked twin is refuted, and still the proof says too little."""
    asked = []

    def draw(proof, count, folder, tell):
        asked.append((proof.name, count))
        twin = Drawn(
            Mutant("inv", "core", "sum", "Y", 3, None, "$add", 8), Outcome(status, 1.0, None, "")
        )
        return Challenge(1, (twin,), {} if status == "refuted" else {("cell", "value"): 1})

    monkeypatch.setattr(prove, "challenge", draw)
    words = ("--only", "sum", "-o", tmp_path / "proofs")
    assert cli("prove", model, *words).exit_code == 0 and not asked
    result = cli("prove", model, *words, "--twins", 3)
    assert result.exit_code == code, result.output
    assert asked == [("sum", 3)]
    said = "sum: no fault is noticed in the value of cell, of 1 drawn"
    assert (said in result.stdout) == (code == 1)
    kept = read(tmp_path / "proofs" / "proofs.json")
    assert kept and kept.proofs[0].drawn[0]["result"] == status


def test_an_error_in_one_proof_leaves_the_others_alone(cli, quick, model, tmp_path, monkeypatch):
    """It is said, the status is 1, and what was proven stays; it goes when it is proven later."""

    def fails(proof, folder, tell):
        if proof.name == "sum":
            raise ProofError("sum: sby ends with ERROR")
        return answer(proof, folder, tell)

    answer, place = prove.run, tmp_path / "proofs"
    with monkeypatch.context() as patched:
        patched.setattr(prove, "run", fails)
        result = cli("prove", model, "-o", place)
    assert result.exit_code == 1 and result.exception.__class__ is SystemExit, result.output
    assert "sum: failed (sum: sby ends with ERROR)" in result.stdout
    kept = read(place / "proofs.json")
    assert kept and not kept.ok and {each.name for each in kept.proofs} == set(MAKERS) - {"sum"}
    assert cli("prove", model, "--only", "sum", "-o", place).exit_code == 0
    kept = read(place / "proofs.json")
    assert kept and kept.ok and {each.name for each in kept.proofs} == set(MAKERS)


def test_an_unknown_result_ends_with_1(cli, quick, model, tmp_path):
    quick["sum"] = "unknown"
    result = cli("prove", model, "-o", tmp_path / "proofs")
    assert result.exit_code == 1
    assert "unknown" in result.stdout
    kept = read(tmp_path / "proofs" / "proofs.json")
    assert kept and not kept.ok
    assert [each.name for each in kept.proofs if not each.ok] == ["sum"]


def test_that_states_are_kept_for_ever_is_said_first(cli, quick, model, tmp_path, monkeypatch):
    """Once all that it takes is proven, in one run or in several."""

    def closed(core, design, between):
        return Proof("closed", "", "", (), design, lambda d: Harness(d, ""), 2, Twin("", design, 2))

    monkeypatch.setitem(TRAINED, "closed", closed)
    place = tmp_path / "proofs"
    quick["shut"] = "unknown"
    result = cli("prove", model, "-o", place)
    assert result.exit_code == 1 and FOR_EVER not in result.stdout
    quick.clear()
    result = cli("prove", model, "--only", "shut", "-o", place)
    assert result.exit_code == 0 and result.stdout.startswith(FOR_EVER)


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
        while not any("yices" in Path(line.partition("\0")[0]).name for line in marked(mark)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        process.wait()
    assert process.returncode != 0
    assert not marked(mark)
    assert [path.name for path in tmp_path.iterdir()] == [model.name]
