"""`carousel quantize --report`, and what the report of the main job takes from it."""

import json
import re
import shlex
from html import unescape

import numpy as np
import pytest
from typer.testing import CliRunner

import fixedpoint
import golden
from carousel.main import app
from carousel.measure.budget import plots
from fixedpoint.budget.account import account, affordable
from fixedpoint.budget.quantisers import GROUPS, quantisers
from golden.tasks import TEMPORAL_ORDER
from tests.carousel import nets
from tests.carousel.conftest import network

SHORT = ("--sequences", 5, "--length", 70, "--bits", 10)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The report of the temporal-order network, its JSON, and what was said."""
    folder = tmp_path_factory.mktemp("written")
    golden.save(network(), folder / "m.npz")
    page, data = folder / "budget.html", folder / "r.json"
    words = ("quantize", folder / "m.npz", *SHORT, "-o", folder / "f.json")
    result = CliRunner().invoke(app, list(map(str, (*words, "--report", page, "--json", data))))
    assert result.exit_code == 0, result.output
    return page, json.loads(data.read_text()), result.stdout


def test_the_numbers_are_those_of_the_budget(written):
    page, data, said = written
    assert f"Report   {page}" in said and "Where the error comes from" in said
    net = network()
    x, _ = TEMPORAL_ORDER.batch(np.random.default_rng(0), 5, 70)
    qnet = fixedpoint.quantize(net, bits=10, calibrate=x)
    wanted = account(net, qnet, affordable(net, qnet, x))
    found = dict(data["budget"])
    right = found.pop("right")
    assert found == json.loads(json.dumps(wanted.as_dict()))
    assert found["sequences"] == 4 and found["steps"] == 70 and found["unequal"] == 0
    assert set(right) == {"float", "fixed point", "with all quantisers on"}
    assert [right[name]["of"] for name in right] == [5, 5, 4]


def test_the_page_shows_every_quantiser_and_needs_no_network(written):
    page, data = written[0].read_text(), written[1]
    text = unescape(re.sub(r"<[^>]*>", " ", page))
    net = network()
    x, _ = TEMPORAL_ORDER.batch(np.random.default_rng(0), 5, 70)
    for name in quantisers(net, fixedpoint.quantize(net, bits=10, calibrate=x)):
        assert f"<td>{name}</td>" in page, name
    assert "The output differs from float by" in text[: text.index("Where the error comes from")]
    for words in ("the first 70 steps of the first 4 sequences", "seed 0", "Number formats"):
        assert words in text
    assert data["repeat"]["command"] in text
    assert list(data["repeat"]["sha256"]) == ["integer network", "model"]
    assert all(each in text for each in data["repeat"]["sha256"].values())
    assert page.count("<svg ") == 3
    assert not re.search(r"<script|<link|<img|<iframe|src=|@import|url\((?!#)", page)
    assert not re.search(r"href=\"(?!#)", page)


def test_the_command_in_the_report_writes_the_same_again(cli, written, tmp_path, drawn):
    page, data, _ = written
    before = page.read_text()
    words = shlex.split(data["repeat"]["command"])[1:]
    again, place = tmp_path / "again.json", tmp_path / "f.json"
    assert cli(*words, "-o", place, "--json", again).exit_code == 0
    assert json.loads(again.read_text())["budget"] == data["budget"]
    assert page.read_text() == before


def test_formats_of_a_file_and_input_of_a_file_are_in_the_command(cli, model, tmp_path):
    x, formats, page = tmp_path / "x.npy", tmp_path / "f.json", tmp_path / "b.html"
    np.save(x, np.ones((2, 12, 8)))
    assert cli("quantize", model, "--input", x, "-o", formats).exit_code == 0
    words = ("--input", x, "--formats", formats, "-o", tmp_path / "g.json", "--report", page)
    assert cli("quantize", model, *words).exit_code == 0
    text = page.read_text()
    assert f"--formats {formats} --input {x} --sequences 2 --length 12 --report {page}" in text
    assert "Sequences answered rightly" not in text  # nobody knows the answers


def test_without_a_report_nothing_is_accounted_for(cli, model, tmp_path):
    data = tmp_path / "r.json"
    result = cli("quantize", model, *SHORT, "-o", tmp_path / "f.json", "--json", data)
    assert result.exit_code == 0 and "Report" not in result.stdout
    assert {"budget", "report"}.isdisjoint(json.loads(data.read_text()))


def test_a_report_that_cannot_be_written_is_refused_before_anything_is(refused, model, tmp_path):
    formats = tmp_path / "f.json"
    line = refused("quantize", model, *SHORT, "-o", formats, "--report", tmp_path)
    assert line == f"carousel: {tmp_path}: is a folder, must be a file"
    missing = tmp_path / "nowhere" / "b.html"
    line = refused("quantize", model, *SHORT, "-o", formats, "--report", missing)
    assert "does not exist" in line and not formats.exists()


@pytest.mark.parametrize("name", ["paper", "peepholes", "ends"])
def test_every_kind_of_network_has_a_report(cli, tmp_path, name, drawn):
    """Over time is left out where there is one output only; no other section is."""
    net, model, x = nets.every()[name], tmp_path / "m.npz", tmp_path / "x.npy"
    golden.save(net, model)
    np.save(x, nets.sequences(2, 8))
    page = tmp_path / "b.html"
    words = ("--input", x, "--bits", 8, "-o", tmp_path / "f.json", "--report", page)
    assert cli("quantize", model, *words).exit_code == 0
    text = page.read_text()
    assert text.count("<svg ") == (3 if net.output == "every" else 2)
    assert ("<h2>Over time</h2>" in text) == (net.output == "every")
    assert "every value was exactly the integer model" in unescape(text)


def test_the_main_job_says_first_what_holds_what_it_costs_and_where_the_error_comes_from(
    cli, quick_sim, model, place
):
    result = cli("run", model, *SHORT, "--lanes", 3, "--quick", "-o", place)
    assert result.exit_code in (0, 1), result.output
    page, data = (
        (place / "report.html").read_text(),
        json.loads((place / "results.json").read_text()),
    )
    assert "own start" not in page
    lines = [unescape(line) for line in re.findall(r"<p[^>]*>([^<]*)</p>", page)[1:5]]
    assert re.match("All that was checked holds|Does not hold", lines[0])
    (own,) = (each for each in data["lags"] if each["setting"].endswith("its own input"))
    left, real = (own[view]["left"][0][-1] for view in ("fixed point", "float64"))
    assert lines[1].startswith("With its gates shut every state was the same to the last bit after")
    assert f"apart is {left:.3g} times as large as at first after 100 steps" in lines[1]
    assert f"(float: {real:.3g})" in lines[1]
    needs, budget = data["needs"], data["budget"]
    assert lines[2] == (
        f"It takes {needs['multipliers']} multipliers (3 lanes and "
        f"{needs['multipliers_behind_lanes']} behind them), {needs['memory_bits_in_all']:,} bits "
        f"of memory and {needs['cycles_per_step']:,} cycles a step."
    )
    assert needs["cycles_per_step"] == data["gateware"]["cycles_per_step"]["predicted"]
    error = data["errors"]["out"]
    group = max(budget["groups"], key=lambda name: budget["groups"][name]["share"])
    share = budget["groups"][group]["share"]
    assert lines[3].startswith(f"The output differs from float by {error['rmse']:.2g} RMSE")
    assert f"It comes from: {group} {100 * share:.1f} %" in lines[3]


def test_the_main_job_that_goes_on_from_a_state_says_that_the_budget_does_not(
    cli, quick_sim, model, place, tmp_path
):
    state = tmp_path / "s.npz"
    assert cli("compare", model, *SHORT, "--save-state", state).exit_code == 0
    cli("run", model, *SHORT, "--quick", "-o", place, "--state", state)
    assert "from the network&#x27;s own start" in (place / "report.html").read_text()


def test_every_group_has_a_colour_of_its_own():
    assert tuple(plots.COLOURS) == GROUPS
    assert len(set(plots.COLOURS.values())) == len(GROUPS)


def test_an_exact_network_has_figures_and_a_page_too(cli, tmp_path, drawn):
    """Weights of 0: nothing to share, nothing to draw, and the page says so."""
    zero = {kind: np.zeros((1, 2)) for kind in "iog"}
    net = golden.Network((golden.Layer(zero, {kind: np.zeros(1) for kind in "iog"}),), name="zero")
    model, x, page = tmp_path / "m.npz", tmp_path / "x.npy", tmp_path / "b.html"
    golden.save(net, model)
    np.save(x, np.ones((1, 5, 1)))
    words = ("--input", x, "-o", tmp_path / "f.json", "--report", page)
    assert cli("quantize", model, *words).exit_code == 0
    assert "The output is exactly that of the float network." in page.read_text()
