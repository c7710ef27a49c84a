"""`carousel search`: its file keeps the goal, an interruption costs nothing, and where the work is
done does not matter."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.report import plots
from carousel.search import command as searching
from carousel.search import plots as searched_plots
from carousel.search import watch
from carousel.work import workers
from carousel.work.journal import Journal
from fixedpoint import Formats, quantize
from fixedpoint.search.cost import cost
from fixedpoint.search.evaluation import Evaluation
from tests.carousel.clusters import cluster
from tests.carousel.nets import every, sequences
from tests.fixedpoint.search.test_search import problem

GOAL = ("--tolerance", "2e-2", "--bits", "10", "--lanes", "2", "--quick", "--jobs", "1")
SIZE = ("--sequences", "2", "--length", "70")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two widths are searched, so that it is soon done."""
    monkeypatch.setattr(searching, "KINDS", ("weights", "y"))


@pytest.fixture
def found(cli, model, tmp_path, monkeypatch):
    """Search the random network and draw nothing: the file's place, what was shown, the JSON."""
    monkeypatch.setattr(plots, "svg", lambda figure, name: "<svg/>")
    monkeypatch.setattr(searched_plots, "figure", lambda found: None)

    def call(*words, name="found"):
        place, plain = tmp_path / f"{name}.json", tmp_path / f"{name}.results.json"
        done = cli("search", model, *SIZE, *GOAL, *words, "-o", place, "--json", plain)
        assert done.exit_code == 0, done.output
        return place, done.stdout, json.loads(plain.read_text())

    return call


def lines(place: Path) -> list[str]:
    return place.with_suffix(".jsonl").read_text().splitlines()


def test_the_formats_keep_the_tolerance_in_every_command_that_takes_them(
    cli, found, model, tmp_path
):
    place, shown, plain = found()
    net, have = golden.load(model), plain["found"]
    assert have["rmse"] <= 2e-2 and plain["held_out"]["rmse"] <= 2e-2
    done = cli("compare", model, *SIZE, "--formats", place, "--json", tmp_path / "c.json")
    assert done.exit_code == 0
    error = json.loads((tmp_path / "c.json").read_text())["errors"]["out"]
    assert error["rmse"] == pytest.approx(have["rmse"], rel=1e-12)
    qnet = quantize(net, Formats.parse(place))
    assert have["cost"] == cost(qnet, 2).as_dict() | {"memories": have["cost"]["memories"]}
    assert plain["hold"][0]["holds"] and plain["ok"]
    assert str(place) in shown and "bits of weights" in shown
    assert have["cost"]["total"] < min(
        each["cost"]["total"]
        for family in ("rule", "uniform")
        for each in plain[family]
        if each["rmse"] <= 2e-2
    )


def test_least_error_within_some_bits(cli, model, tmp_path, drawn):
    """Without a tolerance: no uniform width of as many bits has less error."""
    place = tmp_path / "found.json"
    done = cli(
        *("search", model, *SIZE, "--bits", 8, "--quick", "--jobs", 1, "-o", place),
        *("--json", tmp_path / "r.json"),
    )
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "r.json").read_text())
    for family in ("rule", "uniform"):
        assert plain["found"]["rmse"] <= min(each["rmse"] for each in plain[family])
    widths = plain["found"]["widths"]
    assert max(widths[kind] for kind in ("input", "weights", "y")) == 8
    picture = place.with_suffix(".svg").read_text()
    assert picture.startswith("<svg") and picture.rstrip().endswith("</svg>")
    assert len(picture) > 10_000


def test_the_task_is_kept(cli, tmp_path):
    """A shipped network answers as many sequences as in float, of those held out too."""
    done = cli(
        *("search", "models/adding.npz", "--task", "--sequences", 4, "--lanes", 4, "--jobs", 1),
        *("--bits", 14, "--quick", "-o", tmp_path / "f.json", "--json", tmp_path / "r.json"),
    )
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "r.json").read_text())
    for part in ("found", "held_out"):
        assert plain[part]["right"] >= plain[part]["right_in_float"] == 4
    uniform = [each for each in plain["uniform"] if (each["right"] or 0) >= 4]
    assert plain["found"]["cost"]["total"] < min(each["cost"]["total"] for each in uniform)


@pytest.mark.parametrize("name", ["both", "clipped"])
def test_networks_of_other_kinds(cli, tmp_path, name):
    """Both directions, and gates that cannot be shut, on a file of one sequence."""
    golden.save(every()[name], tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", sequences(1, 40)[0])
    done = cli(
        *("search", tmp_path / "net.npz", "--input", tmp_path / "x.npy", "--tolerance", "5e-2"),
        *("--bits", 9, "--jobs", 1, "--quick", "-o", tmp_path / "f.json"),
        *("--json", tmp_path / "r.json"),
    )
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "r.json").read_text())
    assert max(plain[part]["rmse"] for part in ("found", "held_out")) <= 5e-2
    assert plain["found"]["holds"] is (None if name == "clipped" else True)
    assert ("wholly" in done.stdout) == (name == "clipped")


class Stop:
    """Raises in place of the evaluation number `after`, as Ctrl-C would."""

    def __init__(self, monkeypatch, after):
        self.after, self.add = after, Journal.add
        monkeypatch.setattr(Journal, "add", lambda journal, each: self(journal, each))

    def __call__(self, journal, each):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        self.add(journal, each)


def test_an_interrupted_search_goes_on_where_it_was(cli, found, model, tmp_path, monkeypatch):
    """It leaves its journal and the best so far; what is in there is not evaluated again."""
    whole, _, plain = found(name="whole")
    place = tmp_path / "cut.json"
    with monkeypatch.context() as patch:
        Stop(patch, after=15)
        done = cli("search", model, *SIZE, *GOAL, "-o", place)
    assert done.exit_code == 130
    assert {path.name for path in tmp_path.glob("*cut*")} == {"cut.json", "cut.jsonl"}
    assert len(lines(place)) == 15
    assert "interrupted after 15 tried, best: cost" in done.stderr and str(place) in done.stderr
    assert Formats.parse(place) != Formats.parse(whole)
    cut, _, again = found(name="cut")
    assert cut.read_bytes() == whole.read_bytes()
    assert again["front"] == plain["front"] and again["tried"] == plain["tried"]
    assert sorted(lines(cut)) == sorted(lines(whole))
    with monkeypatch.context() as patch:
        Stop(patch, after=0)  # nothing is left to evaluate
        found(name="cut")


def test_a_request_to_end_leaves_the_best_so_far_too(model, tmp_path):
    """SIGTERM to the command itself, in the middle of a search in two processes."""
    place = tmp_path / "cut.json"
    words = ("search", model, *SIZE, *GOAL[:-1], 2, "-o", place)
    command = [sys.executable, "-m", "carousel", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = next(line for line in running.stderr if "best: cost" in line)
        running.send_signal(signal.SIGTERM)
        rest = running.stderr.read()
    assert said.startswith("Search  ") and "left of this round" in said
    assert running.returncode == 128 + signal.SIGTERM
    assert f"{place} has these formats" in rest.splitlines()[-1]
    net = golden.load(model)
    assert quantize(net, Formats.parse(place)).formats == Formats.parse(place)


def test_before_anything_is_found_an_interruption_leaves_no_formats(
    cli, model, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        Stop(patch, after=0)
        done = cli("search", model, *SIZE, *GOAL, "-o", tmp_path / "cut.json")
    assert done.exit_code == 130 and "none yet that meets the goal" in done.stderr
    assert not (tmp_path / "cut.json").exists()


def test_a_search_ends_in_the_time_it_is_given(cli, found, refused, model, tmp_path, monkeypatch):
    """With the best so far, and goes on when it is called again without a limit."""
    whole, _, plain = found(name="whole")
    now = iter(range(10_000))
    with monkeypatch.context() as patch:
        patch.setattr(watch.time, "monotonic", lambda: float(next(now)))
        cut, shown, early = found("--time", "0.3", name="cut")
        words = ("search", model, *SIZE, "--tolerance", "1e-9", "-o", tmp_path / "none.json")
        assert "nothing of 1 tried met the goal in time" in refused(
            *words, "--jobs", 1, "--time", "1e-9"
        )
        assert not (tmp_path / "none.json").exists()
    assert early["stopped_after_minutes"] == 0.3 and early["tried"] < plain["tried"]
    assert "ended after 0.3 min with the best so far" in shown
    assert early["found"]["rmse"] <= 2e-2 and Formats.parse(cut) != Formats.parse(whole)
    assert found(name="cut")[2]["found"] == plain["found"]
    assert "--time 0: must be a number" in refused(*words, "--time", "0")


def test_a_state_and_files_of_unlike_length_are_searched(cli, tmp_path):
    """Formats hold what is seen from a given state, to the end of every sequence."""
    golden.save(every()["deep"], tmp_path / "net.npz")
    net = golden.load(tmp_path / "net.npz")
    for name, (count, steps) in {"a": (3, 20), "b": (2, 31)}.items():
        np.save(tmp_path / f"{name}.npy", sequences(count, steps))
    layers = [layer.shape.state for layer in net.layers]
    state = {
        f"{k}.{part}": np.full((5, width[part]), value)
        for k, width in enumerate(layers)
        for part, value in (("s", 7.5), ("y", 0.5))
    }
    np.savez(tmp_path / "s.npz", **state)
    words = ("--input", tmp_path / "a.npy", "--input", tmp_path / "b.npy")
    done = cli(
        *("search", tmp_path / "net.npz", *words, "--state", tmp_path / "s.npz", "--quick"),
        *("--tolerance", "5e-2", "--bits", 10, "--jobs", 1, "-o", tmp_path / "f.json"),
    )
    assert done.exit_code == 0, done.output
    formats = Formats.parse(tmp_path / "f.json")
    assert all(form.s.holds(15.0) for form in formats.layers)


def test_lines_of_a_journal_that_are_not_whole_do_not_count(found):
    """Cut short at the end, and of other things or broken in between."""
    place, _, plain = found()
    journal = place.with_suffix(".jsonl")
    every = journal.read_text().splitlines(keepends=True)
    other = ["[]\n", "\xff\n", '{"of": 3, "found": {}}\n', "\n"]
    kept = [*every[:5], *other, *every[5:9]]
    journal.write_text("".join(kept) + every[9][:40], encoding="latin-1")
    assert found()[2] == plain
    after = journal.read_text(errors="replace").splitlines(keepends=True)
    assert set(every) <= set(after)
    assert len(after) == len(every) + len(other) + 1


def test_a_journal_of_another_model_or_other_data_does_not_count(found, tmp_path, monkeypatch):
    place, _, plain = found()
    count = len(lines(place))
    other = found("--seed", "7")[2]
    assert other["found"]["rmse"] != plain["found"]["rmse"]
    assert len(lines(place)) > count
    with monkeypatch.context() as patch:
        Stop(patch, after=0)
        assert found()[2] == plain


def test_another_goal_goes_on_from_the_same_journal(found):
    place, _, plain = found()
    count = len(lines(place))
    looser = found("--tolerance", "5e-2")[2]
    assert looser["found"]["cost"]["total"] < plain["found"]["cost"]["total"]
    fresh = found("--tolerance", "5e-2", name="fresh")
    assert fresh[2]["found"] == looser["found"]
    assert len(lines(place)) - count < len(lines(fresh[0]))


def test_processes_side_by_side_find_the_same(found):
    one = found(name="one")
    two = found("--jobs", "2", name="two")
    assert one[0].read_bytes() == two[0].read_bytes()
    assert one[2]["front"] == two[2]["front"]
    assert sorted(lines(one[0])) == sorted(lines(two[0]))


def test_a_process_that_is_lost_is_said(refused, model, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_do", lost)
    line = refused("search", model, *SIZE, *GOAL, "--jobs", 2, "-o", tmp_path / "f.json")
    assert "a process that worked has ended" in line
    assert not (tmp_path / "f.json").exists()


def lost(_):
    """An evaluation in which its process is killed."""
    import os

    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cluster_of_which_a_worker_is_killed_finds_the_same(
    cli, found, model, tmp_path, monkeypatch
):
    """Two workers; one is killed when 10 candidates are back, and the other one does its work."""
    one, _, plain = found(name="one")
    with cluster(tmp_path, 2) as running:
        add, after = Journal.add, []

        def adding(journal, each):
            add(journal, each)
            after.append(running.workers[0].poll())
            if len(after) == 10:
                running.workers[0].kill()
                running.workers[0].wait()

        monkeypatch.setattr(Journal, "add", adding)
        place = tmp_path / "two.json"
        words = ("search", model, *SIZE, *GOAL[:-2], "--scheduler", running.address)
        done = cli(*words, "-o", place, "--json", tmp_path / "two.results.json")
        assert done.exit_code == 0, done.output
        assert running.workers[1].poll() is None
    assert after[9] is None and after[10:].count(-signal.SIGKILL) == len(after) - 10 > 10
    assert place.read_bytes() == one.read_bytes()
    assert json.loads((tmp_path / "two.results.json").read_text())["front"] == plain["front"]
    assert sorted(lines(place)) == sorted(lines(one))


def test_without_workers_or_without_a_scheduler_one_line_says_so(
    refused, model, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "CONNECT", 1)
    words = ("search", model, *SIZE, *GOAL[:-2], "-o", tmp_path / "f.json", "--scheduler")
    with cluster(tmp_path, 0) as running:
        assert refused(*words, running.address).endswith("has no workers")
    assert "cannot be reached" in refused(*words, running.address)
    assert "cannot be reached" in refused(*words, "nowhere://127.0.0.1:1")


def test_without_dask_one_line_says_what_brings_it(refused, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ("search", model, *SIZE, *GOAL[:-2], "-o", tmp_path / "f.json")
    assert "carousel-lstm[dask]" in refused(*words, "--scheduler", "tcp://127.0.0.1:1")


def test_what_cannot_be_is_refused_by_name(refused, model, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 8)))
    np.save(tmp_path / "many.npy", np.random.default_rng(0).uniform(-1, 1, (2, 9, 8)))

    def call(*words):
        return refused("search", model, *SIZE, "--quick", "--jobs", 1, *words, "-o", tmp_path / "f")

    assert "tolerance 0.0: must be" in call("--tolerance", "0")
    for bits in ("0", "3"):
        assert f"bits {bits}: must be from 4 to 20" in call("--bits", bits)
    assert "the least RMSE of those to start from is" in call("--tolerance", "1e-9", "--bits", "8")
    assert "lanes 99: more than there are rows" in call("--tolerance", "1e-3", "--lanes", "99")
    assert "--jobs 1: counts processes here" in call("--scheduler", "tcp://127.0.0.1:1")
    call = lambda *words: refused("search", model, *words, "-o", tmp_path / "f")  # noqa: E731
    assert "one sequence of one step" in call("--input", tmp_path / "x.npy")
    assert "--task: the answers are known" in call("--input", tmp_path / "many.npy", "--task")
    assert "cannot have this ending" in refused("search", model, *SIZE, "-o", tmp_path / "f.svg")
    assert "folder" in refused("search", model, *SIZE, "-o", tmp_path / "none" / "f.json")
    assert {path.name for path in tmp_path.glob("f*")} == {"f.jsonl"}


def test_a_journal_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "j.jsonl").mkdir()
    with pytest.raises(golden.errors.CarouselError, match="j.jsonl"):
        Journal(tmp_path / "j.jsonl", problem().digest(), Evaluation.from_dict, id)
