"""The report takes in what was proven of the very Verilog that it is about, and nothing else."""

import json
from dataclasses import replace

import pytest

from carousel.measure import proofs
from rtl.kit.header import digest
from rtl.proofs.record import FILE, Entry, Record
from rtl.proofs.status import (
    INAPPLICABLE,
    NOT_PROVABLE,
    NOT_RUN,
    PASSES,
    PROVEN,
    REFUTED,
    UNKNOWN,
    LeftOut,
)

SHORT = ("--sequences", 2, "--length", 70, "--quick")
CHECK = "every proof that was run was found and its broken twin refuted"
TWIN = {"fault": "the state is one LSB more", "result": REFUTED, "seconds": 2.0, "broken": "held"}
HOLD = Entry(
    "hold",
    digest("a statement"),
    "no state moves",
    "2 cells",
    ("i is 0",),
    3,
    "k-induction",
    "a solver",
    PROVEN,
    4.0,
    TWIN,
)


def test_for_ever_takes_every_proof_that_it_leans_on():
    """What is inapplicable is not needed; what was not run is."""
    names, said = {"closed", *proofs.HELD_BY}, proofs.FOR_EVER.partition(",")[0]
    of = {name: replace(HOLD, name=name) for name in names}
    assert proofs.for_ever(Record("", tuple(of.values())))
    assert said in "".join(proofs.section(Record("", tuple(of.values())), ""))
    for name in names:
        others = tuple(entry for other, entry in of.items() if other != name)
        for failed in (
            Record("", others),
            Record("", (*others, replace(of[name], result=UNKNOWN))),
        ):
            assert not proofs.for_ever(failed)
            assert said not in "".join(proofs.section(failed, ""))
        lacking = Record("", others, {name: LeftOut(INAPPLICABLE, "there is none")})
        assert proofs.for_ever(lacking) == (name != "closed")


def test_a_record_of_this_verilog_is_shown_and_its_failure_is_one_of_the_run(
    cli, quick_sim, model, place
):
    """Without a record the command that makes it; with one its rows; with a twin that passes,
    or without a proof, status 1."""
    words = ("run", model, *SHORT, "-o", place)
    assert cli(*words).exit_code == 0
    page, data = (place / "report.html").read_text(), _results(place)
    assert data["prove"] in page and proofs.NONE in page
    assert data["proofs"] is None and CHECK not in data["checks"]
    assert data["prove"].endswith(f"--output {place}/proofs")

    (place / "proofs").mkdir()
    sha = digest((place / "carousel_temporal_order.v").read_text())
    left_out = {
        "step": LeftOut(INAPPLICABLE, "there is none"),
        **{name: LeftOut(NOT_RUN, "was not asked for") for name in ("sum", "ends")},
    }
    Record(sha, (HOLD,), left_out).write(place / "proofs" / FILE)
    assert cli(*words).exit_code == 0
    page, data = (place / "report.html").read_text(), _results(place)
    assert data["checks"][CHECK] and data["proofs"]["verilog_sha256"] == sha
    for said in (
        HOLD.claim,
        TWIN["fault"],
        "k-induction (a solver)",
        "step: inapplicable (there is none).",
        "sum, ends: not run.",
    ):
        assert said in page
    assert proofs.NONE not in page

    passes = replace(HOLD, twin={**TWIN, "result": PASSES})
    nothing = {"hold": LeftOut(NOT_PROVABLE, "two share it")}
    for record in (Record(sha, (passes,)), Record(sha, (), nothing)):
        record.write(place / "proofs" / FILE)
        assert cli(*words).exit_code == 1
        assert f"Does not hold: {CHECK}." in (place / "report.html").read_text()
    assert "hold: not provable (two share it)." in (place / "report.html").read_text()


def test_a_record_of_another_verilog_says_nothing(cli, quick_sim, model, place):
    (place / "proofs").mkdir(parents=True)
    Record(digest("another"), (HOLD,)).write(place / "proofs" / FILE)
    assert cli("run", model, *SHORT, "-o", place).exit_code == 0
    assert _results(place)["proofs"] is None
    assert proofs.NONE in (place / "report.html").read_text()


def test_a_damaged_record_is_one_line_before_anything_is_run(refused, model, place):
    (place / "proofs").mkdir(parents=True)
    (place / "proofs" / FILE).write_text("{}")
    assert f"{FILE}: no record of proofs" in refused("run", model, *SHORT, "-o", place)
    assert not (place / "report.html").exists()


@pytest.mark.parametrize(
    ("result", "twin", "words"),
    [
        (PROVEN, REFUTED, ("proven", "refuted", "yes")),
        (REFUTED, REFUTED, ("refuted", "refuted", "no")),
        (PROVEN, PASSES, ("proven", "passes", "no")),
        ("unknown", REFUTED, ("unknown", "refuted", "no")),
    ],
)
def test_a_row_says_what_came_of_the_proof_and_of_its_twin(result, twin, words):
    entry = replace(HOLD, result=result, twin={**TWIN, "result": twin})
    (row,) = proofs.table(Record("", (entry,))).rows
    assert (row[3], row[6].rpartition(": ")[2], row[7]) == words


def _results(place):
    return json.loads((place / "results.json").read_text())
