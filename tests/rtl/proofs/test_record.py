"""The record of what was proven: what it says is so, and nothing empty counts as proven."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rtl.kit.header import digest
from rtl.mutants.mutant import Mutant
from rtl.proofs import Outcome, Proof, Proven, Twin
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.record import Record, asked, read
from rtl.proofs.status import LeftOut
from rtl.proofs.twins import Challenge, Drawn

DESIGN = Design("module alone(clk);\n  input clk;\nendmodule\n", "alone")
TWIN = Twin("a fault", DESIGN, 3)
INAPPLICABLE = LeftOut("inapplicable", "there is none")
NOT_PROVABLE = LeftOut("not provable", "two share it")
NOT_RUN = LeftOut("not run", "was not asked for")
FAILED = LeftOut("failed", "sby ends with ERROR")


def found(name: str, status: str = "proven", twin: str = "refuted") -> Proven:
    """A proof, and what came of it and of its twin."""
    proof = Proof(name, "A claim.", "of it", ("This.",), DESIGN, lambda d: Harness(d, ""), 2, TWIN)
    return Proven(proof, Outcome(status, 1.5, None, ""), Outcome(twin, 2.5, None, "a == b"))


def drawn(status: str, count: int = 1) -> Challenge:
    """A twin that was drawn, where so many were to be refuted."""
    mutant = Mutant("inv", "core", "sum", "Y", 3, None, "$add", 8)
    twin = Drawn(mutant, Outcome(status, 0.5, None, "a == b"))
    return Challenge(count, (twin,), {} if status == "refuted" else {("cell", "value"): 1})


def statements(*proofs: Proven) -> dict[str, str]:
    """What is asked now."""
    return {each.proof.name: asked(each.proof) for each in proofs}


def record(*proofs: Proven, text: str = "a text", **left_out: LeftOut) -> Record:
    return Record.of(text, proofs, left_out)


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "proofs.json"
    assert read(path) is None
    written = record(found("cell"), hold=INAPPLICABLE)
    written.write(path)
    assert read(path) == written
    assert written.ok and written.verilog_sha256 == digest("a text")
    assert json.loads(path.read_text())["ok"]
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("challenge", "lacks"),
    [
        (drawn("refuted"), ()),
        (drawn("refuted", 2), ("1 of 1 drawn twins are refuted, it must be 2",)),
        (
            drawn("passes"),
            (
                "no fault is noticed in the value of cell, of 1 drawn",
                "0 of 1 drawn twins are refuted, it must be 1",
            ),
        ),
    ],
)
def test_a_record_says_of_each_drawn_twin_what_was_broken(challenge, lacks, tmp_path):
    """And a proof of which too few were refuted is not ok."""
    written = Record.of("a text", [found("cell")], {}, {"cell": challenge})
    (entry,) = written.proofs
    assert entry.lacks == lacks and entry.ok == (not lacks) == written.ok
    status = challenge.drawn[0].outcome.status
    assert entry.drawn == (
        {
            "fault": "inv core sum Y[3]",
            "result": status,
            "seconds": 0.5,
            "broken": "a == b",
            "hits": "value",
        },
    )
    assert (entry.refuted, entry.seconds_in_all) == (int(status == "refuted"), 4.5)
    written.write(tmp_path / "proofs.json")
    assert read(tmp_path / "proofs.json") == written


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        (record(), False),
        (record(hold=INAPPLICABLE), False),
        (record(hold=NOT_RUN), False),
        (record(found("cell")), True),
        (record(found("cell"), hold=INAPPLICABLE), True),
        (record(found("cell"), hold=NOT_RUN), True),
        (record(found("cell"), hold=NOT_PROVABLE), False),
        (record(found("cell"), hold=FAILED), False),
        (record(found("cell"), found("sum", "unknown")), False),
        (record(found("cell", "refuted")), False),
        (record(found("cell", twin="passes")), False),
        (record(found("cell", twin="unknown")), False),
    ],
)
def test_a_record_is_ok_if_something_is_proven_and_nothing_was_tried_in_vain(given, ok):
    assert given.ok == ok
    assert given.plain()["ok"] == ok


def test_what_was_asked_for_is_proven_or_not():
    some = record(found("cell"), found("sum", "unknown"), hold=INAPPLICABLE)
    assert some.proves([]) and some.proves(["cell"])
    assert not any(some.proves(["cell", name]) for name in ("sum", "hold", "step"))


def test_a_record_keeps_what_was_proven_of_the_same_text():
    """A proof that was run again takes the place of the earlier one; another text's are dropped."""
    earlier = record(found("cell"), found("sum"))
    now, same = record(found("cell", "unknown")), statements(found("cell"), found("sum"))
    both = now.after(earlier, same)
    assert [(each.name, each.ok) for each in both.proofs] == [("sum", True), ("cell", False)]
    assert not both.ok
    other = record(found("fifo"), text="another")
    assert now.after(other, statements(found("fifo"))) == now == now.after(None, {})


def test_a_record_keeps_nothing_of_what_is_asked_otherwise_now():
    """The same name and text, and another statement, another broken design, or another depth."""
    before, now = found("sum"), record(found("cell"))
    others = [
        replace(before.proof, state=lambda d: Harness(d, "", reset=True)),
        replace(before.proof, twin=Twin("a fault", Design(DESIGN.text + "\n", "alone"), 3)),
        replace(before.proof, depth=3),
    ]
    for proof in others:
        assert now.after(record(before), {"sum": asked(proof)}) == now
    assert now.after(record(before), {}) == now
    assert now.after(record(before), statements(before)) == record(before, found("cell"))


def test_what_was_not_run_this_time_is_as_the_earlier_record_says():
    """Of each statement the record has one answer, the latest that is one."""
    earlier = record(found("cell"), sum=NOT_RUN, hold=NOT_PROVABLE, reader=INAPPLICABLE)
    now = record(found("sum"), cell=NOT_RUN, hold=NOT_RUN, reader=NOT_RUN, step=NOT_RUN)
    both = now.after(earlier, statements(found("cell")))
    assert [each.name for each in both.proofs] == ["cell", "sum"]
    assert both.left_out == {"hold": NOT_PROVABLE, "reader": INAPPLICABLE, "step": NOT_RUN}
    assert not both.ok
    lost = record(cell=NOT_PROVABLE).after(earlier, statements(found("cell")))
    assert lost.proofs == () and lost.left_out["cell"] == NOT_PROVABLE
    gained = record(found("hold")).after(earlier, statements(found("cell")))
    assert "hold" not in gained.left_out and gained.ok


@pytest.mark.parametrize("change", [{"result": "PASS"}, {"twin": {"result": "proven"}}, {"ok": 1}])
def test_a_proof_in_other_words_is_refused(change, tmp_path):
    """Words of an earlier version, or of nobody, are not taken for an answer."""
    path = tmp_path / "proofs.json"
    data = record(found("cell")).plain()
    data["proofs"][0].update(change)
    path.write_text(json.dumps(data))
    with pytest.raises(ProofError, match=r"proofs\.json: no record of proofs"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"verilog_sha256": "", "proofs": [1]}',
        '{"verilog_sha256": "", "proofs": [], "left_out": {"cell": "two share it"}}',
        '{"verilog_sha256": "", "proofs": [], "left_out": {"cell": {"status": "", "why": ""}}}',
    ],
)
def test_a_file_that_is_no_record_is_refused(text, tmp_path):
    path = Path(tmp_path / "proofs.json")
    path.write_text(text)
    with pytest.raises(ProofError, match=r"proofs\.json: no record of proofs"):
        read(path)
