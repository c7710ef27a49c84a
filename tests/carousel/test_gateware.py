"""The simulated gateware through the command line: whole sequences, and states carried on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from carousel.measure import gateware
from tests.carousel import nets


def saved(path: Path, x: np.ndarray) -> Path:
    np.save(path, x)
    return path


def model(folder: Path, name: str) -> Path:
    golden.save(nets.every()[name], folder / "m.npz")
    return folder / "m.npz"


@pytest.mark.soak
def test_a_network_with_both_directions_is_simulated(cli, tmp_path):
    """Every code, the pace of the slowest part, and what the buffers take, in table and JSON.

    Room for 24 steps of 3 elements of 16 bits: two banks that turn the input of the reverse layer
    round, and the input of the forward one with its two marks. Of the outputs one step counts, and
    nothing of them is held.
    """
    x, file = saved(tmp_path / "x.npy", nets.sequences(4)), tmp_path / "s.json"
    words = ("--input", x, "--lanes", 8, "--max-length", 24, "--json", file)
    result = cli("simulate", model(tmp_path, "ends"), *words)
    assert result.exit_code == 0, result.output
    data = json.loads(file.read_text())
    assert (data["mismatches"], data["faults"]) == (0, [])
    assert data["compared"] == 4 * (20 * 2 * 6 * 4 + 2)
    assert [part["lanes"] for part in data["parts"]] == [8, 8, 2]
    assert data["lanes"] == 18
    slowest = max(part["cycles_per_step"] for part in data["parts"])
    assert data["cycles_per_step"]["predicted"] == slowest
    assert data["cycles_per_step"]["measured"] == slowest
    assert data["cycles_per_sequence"] == 20 * slowest
    held = 24 * 3 * (2 * 16 + 18)
    assert data["sequence_memory_bits"] == held
    rows = dict(pairs(result.stdout))
    assert rows["lanes of its parts"] == "8, 8, 2"
    assert rows["memory that holds sequences, bits"] == f"{held:,}"
    assert rows["cycles a sequence, measured"] == str(20 * slowest)


def pairs(text: str):
    """The two cells of every row of a table."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if len(cells) == 2:
            yield cells


def test_nothing_but_the_table_is_printed(tmp_path):
    """No warnings of the tools that make the gateware, which was made once for its schedule."""
    x = saved(tmp_path / "x.npy", nets.sequences(1))
    words = ("simulate", model(tmp_path, "reverse"), "--input", x, "--lanes", 4, "--max-length", 24)
    command = [sys.executable, "-m", "carousel", *map(str, words)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("Gateware\n")


def test_a_forward_network_has_no_parts(cli, quick_sim, tmp_path):
    x, file = saved(tmp_path / "x.npy", nets.sequences()), tmp_path / "s.json"
    result = cli("simulate", model(tmp_path, "deep"), "--input", x, "--json", file)
    assert not {"parts", "sequence_memory_bits"} & set(json.loads(file.read_text()))
    assert "parts" not in result.stdout


@pytest.mark.parametrize(("name", "status"), [("ends", 0), ("both", 0), ("deep", 1), ("last", 1)])
def test_the_pace_of_sequences_is_no_check(cli, quick_sim, tmp_path, name, status):
    """A core that holds sequences is not failed for a pace that only long runs of them show."""
    quick_sim["cycles"] = 1
    x = saved(tmp_path / "x.npy", nets.sequences())
    assert cli("simulate", model(tmp_path, name), "--input", x).exit_code == status


@pytest.mark.parametrize(("name", "words"), [("both", "too few sequences"), ("deep", "too few s")])
def test_too_little_to_measure_is_said(cli, quick_sim, tmp_path, name, words):
    x = saved(tmp_path / "x.npy", nets.sequences(1, 3))
    result = cli("simulate", model(tmp_path, name), "--input", x)
    assert result.exit_code == 0, result.output
    assert dict(pairs(result.stdout))["cycles a step, measured"].startswith(words)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["paper", "peepholes"])
def test_simulated_states_are_carried_on(cli, tmp_path, name):
    """Two simulations leave what one run of the integer model over both pieces leaves."""
    path, x, formats = model(tmp_path, name), nets.sequences(2), tmp_path / "f.json"
    whole, early, late = (
        saved(tmp_path / f"{k}.npy", part) for k, part in enumerate((x, x[:, :9], x[:, 9:]))
    )
    assert cli("quantize", path, "--input", whole, "-o", formats).exit_code == 0
    words = (path, "--formats", formats, "--lanes", {"paper": 4, "peepholes": 8}[name])
    first, second, once = (tmp_path / f"{k}.npz" for k in ("first", "second", "once"))
    for command, *more in (
        ("simulate", "--input", early, "--save-state", first),
        ("simulate", "--input", late, "--state", first, "--save-state", second),
        ("compare", "--input", whole, "--save-state", once),
    ):
        result = cli(command, *words, *more)
        assert result.exit_code == 0, result.output
    with np.load(second) as found, np.load(once) as wanted:
        assert found.files == wanted.files
        assert all(np.array_equal(found[part], wanted[part]) for part in wanted.files)


@pytest.mark.parametrize("name", ["paper", "last", "both"])
def test_the_gateware_gets_what_the_subject_says(monkeypatch, quick_sim, tmp_path, name):
    """Its state, where there is one, and the room for its sequences, where it needs any."""
    import sim

    asked, answer = [], sim.simulate

    def simulate(*words, **options):
        asked.append((words[0], options))
        return answer(*words, **options)

    monkeypatch.setattr(sim, "simulate", simulate)
    x, state = saved(tmp_path / "x.npy", nets.sequences(1)), tmp_path / "s.npz"
    parts = {"0.s": np.full(4, 0.25), "0.y": np.zeros(4)}
    parts |= {"0.gates": np.zeros(4)} if name == "paper" else {}
    np.savez(state, **parts)
    path = model(tmp_path, name)
    start = None if name == "both" else state
    subject = prepare(path, Choice(), Given((x,), state=start))
    assert gateware.play(subject).ok
    ((core, options),) = asked
    if start is None:
        assert core.max_length == 20 and "state" not in options
    else:
        assert np.all(options["state"][0].s == subject.qnet.formats.layers[0].s.one // 4)
        assert core.max_length == 0
