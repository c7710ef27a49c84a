"""`carousel experiments`: an interruption costs nothing, where trials are worked at does not
matter, and the page says what was found."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.cli.inputs import task_of
from carousel.experiments import command, gateware
from carousel.experiments import trials as experiments_trials
from carousel.experiments.contrast import Contrast
from carousel.experiments.gateware import Integers
from carousel.experiments.page import page, short
from carousel.experiments.results import PaperRow, Results
from carousel.experiments.trials import TrialFolder, TrialOutcome
from carousel.report import plots
from fixedpoint.widths import Widths
from golden.experiments import EXPERIMENTS, experiment
from golden.experiments.shortcut import as_network
from golden.tasks import CLASSES, TEMPORAL_ORDER, two_sequence
from tests.carousel.clusters import cluster

DOCS = Path(__file__).parents[2] / "docs"
SMALL = ("6a", "3a-100-3", "--quick", "--limit", "900")  # neither is solved by then
SOLVED = ("3a-100-3", "--quick", "--seed", "0")  # in 6,600 sequences, of 50 steps


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Slices of a few hundred sequences, plain networks and tests of few, figures not drawn."""
    monkeypatch.setattr(experiments_trials, "SLICE", 0.02)
    monkeypatch.setattr(command, "QUICK_SIZES", gateware.Sizes(tested=64, sample=1))
    monkeypatch.setattr(command.contrast, "sequences", lambda name, solved: 500)
    monkeypatch.setattr(plots, "svg", lambda figure, name: "<svg/>")


@pytest.fixture
def found(cli, tmp_path):
    """Run the experiments into a folder of `tmp_path`: the folder, what was shown, the results."""

    def call(*words, name="found", jobs=("--jobs", 1)):
        place = tmp_path / name
        done = cli("experiments", *words, *jobs, "-o", place)
        assert done.exit_code == 0, done.output
        return place, done, json.loads((place / "experiments.json").read_text())

    return call


def trials(results):
    """All outcomes by row, but for the seconds that they took."""
    return {
        row["name"]: [{**each, "seconds": 0} for each in row["trials"]]
        for row in results["rows"]
        if row["trials"]
    }


def states(place):
    """Weights of all trials that did not solve their task."""
    found = {}
    for file in sorted((place / "trials").glob("*.state.npz")):
        with np.load(file) as arrays:
            found[file.name] = arrays["hidden"].tobytes(), arrays["readout"].tobytes()
    return found


def networks(place):
    return {file.name: file.read_bytes() for file in (place / "models").iterdir()}


def test_from_training_to_gateware_and_the_page(cli, tmp_path, monkeypatch):
    """The quick form on one experiment, with figures and a real simulation."""
    monkeypatch.undo()
    place, plain = tmp_path / "place", tmp_path / "found.json"
    words = ("experiments", "6a", "--quick", "--jobs", 1, "-o", place, "--json", plain)
    done = cli(*words)
    assert done.exit_code == 0, done.output
    results = json.loads(plain.read_text())
    assert results.pop("ok")
    assert results == json.loads((place / "experiments.json").read_text())
    found = Results.from_dict(results)
    assert (place / "experiments.md").read_text() == page(found)
    (row,) = (row for row in found.rows if row.trials)
    (trial,) = row.trials
    assert trial.solved and trial.wrong <= 3 and trial.tested == 2560
    assert trial.sequences == {"ST3": trial.presented}
    (carried,) = found.carried
    assert carried.sparse and carried.exact and carried.usual.compared > 2000
    assert carried.least and carried.least.wrong <= carried.wrong <= 1
    assert carried.usual.cycles < carried.dense_cycles
    model = golden.load(place / "models" / "6a.npz")
    assert model.made_by == "carousel experiments 6a --seed 1 --trials 1"
    for figure in ("experiments-flow.svg", "experiments-counts.svg"):
        assert len((place / figure).read_text()) > 10_000
    assert f"{trial.presented:,}" in done.stdout


class Stop:
    """Raises in place of keeping the slice number `after`, as Ctrl-C would."""

    def __init__(self, monkeypatch, after):
        self.after, self.keep = after, TrialFolder.keep
        monkeypatch.setattr(TrialFolder, "keep", lambda kept, worked: self(kept, worked))

    def __call__(self, kept, worked):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        self.keep(kept, worked)


def test_an_interrupted_run_goes_on_where_it_was(cli, found, tmp_path, monkeypatch, quick_sim):
    """Within a trial: the same network to the last bit, and nothing is trained again."""
    short = experiments_trials.SLICE
    shorter = replace(experiment("3a-100-3"), task=two_sequence("3a", 50, 3))
    monkeypatch.setitem(EXPERIMENTS, "3a-100-3", shorter)
    monkeypatch.setattr(experiments_trials, "SLICE", 1.0)
    whole, _, results = found(*SOLVED, name="whole")
    place, words = tmp_path / "cut", ("experiments", *SOLVED, "--jobs", 1)
    with monkeypatch.context() as patch:
        patch.setattr(experiments_trials, "SLICE", short)
        Stop(patch, after=4)
        assert cli(*words, "-o", place).exit_code == 130
    assert len(states(place)) == 1 and not (place / "experiments.json").exists()
    begun = []
    slice_ = TrialFolder.slice
    monkeypatch.setattr(
        TrialFolder, "slice", lambda *given: begun.append(slice_(*given)) or begun[-1]
    )
    cut, _, again = found(*SOLVED, name="cut")
    rest = json.loads(str(begun[0].state["rest"]))
    assert rest["presented"] >= 400
    assert trials(again) == trials(results)
    assert networks(cut) == networks(whole) != {}
    assert states(cut) == {}
    with monkeypatch.context() as patch:
        Stop(patch, after=0)  # nothing is left to train
        assert found(*SOLVED, name="cut")[2] == again


def test_a_trial_that_was_given_up_goes_on_with_a_higher_limit(found):
    once, _, results = found("6a", "--quick", "--limit", 900, name="once")
    twice, _, early = found("6a", "--quick", "--limit", 400, name="twice")
    (trial,) = trials(early)["6a"]
    assert (trial["presented"], trial["solved"]) == (400, False)
    assert trials(found("6a", "--quick", "--limit", 900, name="twice")[2]) == trials(results)
    assert states(twice) == states(once) != {}


def test_processes_side_by_side_find_the_same(found):
    one = found(*SMALL, "--trials", 2, name="one")
    two = found(*SMALL, "--trials", 2, name="two", jobs=("--jobs", 2))
    assert trials(one[2]) == trials(two[2])
    assert states(one[0]) == states(two[0])
    assert len(states(one[0])) == 4


@pytest.mark.soak
def test_a_cluster_of_which_a_worker_is_killed_finds_the_same(found, tmp_path, monkeypatch):
    """Two workers; one is killed after the first slice, and the other one does its work."""
    one = found(*SMALL, name="one")
    with cluster(tmp_path, 2) as running:
        keep, after = TrialFolder.keep, []

        def keeping(kept, worked):
            keep(kept, worked)
            after.append(running.workers[0].poll())
            if len(after) == 1:
                running.workers[0].kill()
                running.workers[0].wait()

        monkeypatch.setattr(TrialFolder, "keep", keeping)
        two = found(*SMALL, name="two", jobs=("--scheduler", running.address))
        assert running.workers[1].poll() is None
    assert after[0] is None and after[1:].count(-signal.SIGKILL) == len(after) - 1 > 0
    assert trials(one[2]) == trials(two[2])
    assert states(one[0]) == states(two[0])


def test_divergence_is_said_at_once_and_the_rest_goes_on(found, monkeypatch):
    wild = replace(experiment("3b-100-3"), rate=float("inf"))
    monkeypatch.setitem(EXPERIMENTS, "3b-100-3", wild)
    _, done, results = found("3b-100-3", *SMALL)
    assert "failed: 3b-100-3: seed 1 diverged after" in done.stderr
    (trial,), (other,) = trials(results)["3b-100-3"], trials(results)["6a"]
    assert not trial["solved"] and "seed 1 diverged" in trial["diverged"]
    assert other["presented"] == 900 and not other["diverged"]
    assert "`3b-100-3`, seed 1: 3b-100-3: seed 1 diverged" in page(Results.from_dict(results))


def test_trials_with_other_settings_do_not_count(found, monkeypatch):
    place, _, results = found(*SMALL)
    monkeypatch.setitem(EXPERIMENTS, "6a", replace(experiment("6a"), rate=0.25))
    assert "6a" not in trials(found("--trials", 0, "--quick")[2])
    again = found(*SMALL)[2]
    assert trials(again)["6a"] != trials(results)["6a"]
    assert trials(again)["3a-100-3"] == trials(results)["3a-100-3"]


def test_a_state_or_a_line_that_is_not_whole_does_not_count(found):
    place, _, results = found(*SMALL)
    for file in (*(place / "trials").iterdir(), place / "trials.jsonl"):
        file.write_bytes(file.read_bytes()[:-200])
    assert trials(found(*SMALL)[2]) == trials(results)


def test_gateware_that_differs_is_seen(cli, tmp_path, monkeypatch, quick_sim):
    """One code of one output, at both widths; the status is then 1."""
    quick_sim["code"] = True
    net, sizes = golden.load("models/6a.npz"), command.QUICK_SIZES
    carried = gateware.carry(experiment("6a"), net, 1, "", sizes, print)
    assert carried.least and (carried.usual.mismatches, carried.least.mismatches) == (1, 1)
    assert not carried.exact
    found = Results((), (carried,), Contrast((), (), ()))
    monkeypatch.setattr(command, "collect", lambda *_: found)
    monkeypatch.setattr(command, "write", lambda *_: None)
    done = cli("experiments", "--trials", 0, "--jobs", 1, "-o", tmp_path / "place")
    assert isinstance(done.exception, SystemExit) and done.exit_code == 1
    assert "Sequences answered wrongly" in done.stdout


def test_the_fewest_bits_that_keep_the_answers():
    """16 and 17 of all codes are `b16` and `b17`, 16 with 17 of the states `s17`."""

    def widths(name):
        bits = int(name[1:])
        uniform = Widths.uniform(16 if name[0] == "s" else bits)
        return replace(uniform, s=bits)

    def least(allowed, **wrong):
        known = {widths(name): count for name, count in wrong.items()}
        return Integers(None, None, None, print, known).least(allowed)  # type: ignore[arg-type]

    states = {f"s{bits}": 1 for bits in range(17, 21)}
    assert least(1, b16=1, b15=0, b14=1, b13=2, b12=0) == widths("b14")
    assert least(0, b16=1, s17=None, s18=0) == widths("s18")
    assert least(0, b16=1, **states, b17=None, b18=0) == widths("b18")
    assert least(0, b16=1, **states, b17=1, b18=1, b19=1, b20=1) is None
    assert least(0, **{f"b{bits}": 0 for bits in range(4, 17)}) == widths("b4")


def test_a_folder_without_trials_says_that_nothing_was_run(found):
    _, done, results = found("--trials", 0, "--quick")
    assert trials(results) == {} and results["carried"] == []
    assert "solved" not in done.stdout
    assert page(Results.from_dict(results)).count("not run |") > len(EXPERIMENTS)


def test_of_each_task_the_longest_row_is_carried_on():
    """And of rows as long one that most trials solve."""

    def row(name, *solved):
        trials = [TrialOutcome(name, 1, each, 1, {}, 1, 0, 0.0, 0.0, 0.0, "") for each in solved]
        return PaperRow.of(experiment(name), trials)

    names = ("3a-1000-3", "3a-100-3", "2c-1000-1000", "2c-1000-50", "5-140", "5-13", "6a")
    rows = [row(name, True) for name in names] + [row("1-3x2-0.1", True), row("1-3x2-0.2", False)]
    rows += [row("1-3x2-0.5", True, False), row("2c-1000-1000-remedy", True, False)]
    chosen = [each.experiment for each in command.longest(rows)]
    assert chosen == ["3a-1000-3", "2c-1000-1000", "5-13", "6a", "1-3x2-0.1"]


def test_other_commands_know_the_tasks_of_what_was_learnt():
    """But for those of which more than the last step is asked."""

    def known(name):
        drawn = experiment(name).wiring.draw(np.random.default_rng(0))
        return task_of(as_network(drawn, name))

    assert known("6a") == (TEMPORAL_ORDER, 100, CLASSES)
    assert known("6b") == (experiment("6b").task, 100, ())
    assert known("3c-100-1") == (replace(experiment("3c-100-1").task, target_noise=0.0), 100, ())
    assert known("2a") is known("1-3x2-0.5") is None


def test_what_cannot_be_is_refused_in_one_line(refused, tmp_path):
    line = refused("experiments", "6a", "7", "-o", tmp_path / "f")
    assert f"experiment '7': allowed are {', '.join(EXPERIMENTS)}" in line
    line = refused("experiments", "6a", "--jobs", 1, "--scheduler", "tcp://127.0.0.1:1")
    assert "--jobs 1: counts processes here" in line
    (tmp_path / "file").touch()
    assert "output folder" in refused("experiments", "6a", "-o", tmp_path / "file")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_manual_and_the_measured_figures_are_what_the_results_say():
    """And what they say of the paper is what the registry says."""
    found = Results.from_dict(json.loads((DOCS / "experiments.json").read_text()))
    assert (DOCS / "experiments.md").read_text() == page(found)
    assert short(found) in (DOCS / "measured.md").read_text()
    told = {row.name: row.paper for row in found.rows if row.own}
    assert told == {name: e.paper for name, e in EXPERIMENTS.items() if e.own}
