"""States carried from one call to the next: the codes of one run, or one line that says no."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.cli import state_file
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from carousel.measure import accuracy
from tests.carousel import nets
from tests.golden.importers.keras_files import claiming

CUT, STEPS = 9, 20


class Files:
    """A model, its formats, and its input in one piece and in two, as files."""

    def __init__(self, folder: Path, name: str, count: int, cli: Callable):
        self.net, self.x = nets.every()[name], nets.sequences(count, STEPS)
        self.model, self.formats = folder / "m.npz", folder / "f.json"
        golden.save(self.net, self.model)
        self.whole, self.early, self.late = (
            self._input(folder / f"{k}.npy", part)
            for k, part in enumerate((self.x, self.x[:, :CUT], self.x[:, CUT:]))
        )
        done = cli("quantize", self.model, "--input", self.whole, "-o", self.formats)
        assert done.exit_code == 0, done.output
        self.words = (self.model, "--formats", self.formats, "--input")

    @staticmethod
    def _input(path: Path, x: np.ndarray) -> Path:
        np.save(path, x)
        return path

    def measure(self, file: Path, state: Path | None = None) -> accuracy.Measured:
        return accuracy.measure(
            prepare(self.model, Choice(file=self.formats), Given((file,), state=state))
        )


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("name", nets.FORWARD)
@pytest.mark.parametrize("count", [1, 3])
def test_two_calls_are_one_run(cli, tmp_path, name, count):
    """Every code of fixed point, and the state that is left, for all kinds of cell."""
    files, first, second, once = (
        Files(tmp_path, name, count, cli),
        *(tmp_path / f"{k}.npz" for k in ("first", "second", "once")),
    )
    for words in (
        (files.early, "--save-state", first),
        (files.late, "--state", first, "--save-state", second),
        (files.whole, "--save-state", once),
    ):
        assert cli("compare", *files.words, *words).exit_code == 0
    left, wanted = arrays(second), arrays(once)
    assert left.keys() == wanted.keys()
    assert all(np.array_equal(left[part], wanted[part]) for part in wanted)

    whole, late = files.measure(files.whole).fixed, files.measure(files.late, first).fixed
    every = dict(whole.signals())
    for signal, codes in late.signals():
        assert np.array_equal(codes, every[signal][:, -codes.shape[1] :]), signal
    assert np.any(files.measure(files.late).fixed.get("s")[:, 0] != late.get("s")[:, 0])


@pytest.mark.parametrize("name", ["paper", "deep", "peepholes"])
def test_a_file_holds_real_values_under_the_names_of_the_layers(cli, tmp_path, name):
    """What the integer model's own run leaves, read with NumPy alone; no batch for one sequence."""
    files, file = Files(tmp_path, name, 1, cli), tmp_path / "s.npz"
    assert cli("compare", *files.words, files.whole, "--save-state", file).exit_code == 0
    found = arrays(file)
    gates = {f"{k}.gates" for k, layer in enumerate(files.net.layers) if layer.gate_recurrence}
    layers = range(len(files.net.layers))
    assert set(found) == {f"{k}.s" for k in layers} | {f"{k}.y" for k in layers} | gates
    assert name != "paper" or gates == {"0.gates"}
    fixed = files.measure(files.whole).fixed.real()
    for k in layers:
        assert np.array_equal(found[f"{k}.s"], fixed.layers[k]["s"][0, -1])
        assert np.array_equal(found[f"{k}.y"], fixed.layers[k]["y"][0, -1])
    for part in gates:
        last = [fixed.layers[0][kind][0, -1] for kind in files.net.layers[0].shape.gates]
        assert np.array_equal(found[part], np.concatenate(last))


def test_float_starts_from_the_values_in_the_file(cli, tmp_path):
    """Any state, not only one of codes: float is what the float model gives from there."""
    files, file = Files(tmp_path, "paper", 2, cli), tmp_path / "s.npz"
    rng = np.random.default_rng(3)
    state = {"0.s": rng.uniform(-0.3, 0.3, (2, 4)), "0.y": rng.uniform(-0.3, 0.3, (2, 4))}
    state["0.gates"] = rng.uniform(0, 1, (2, 4))
    np.savez(file, **state)
    wanted = files.net.run(files.x, (golden.LayerState(*state.values()),))
    found = files.measure(files.whole, file)
    assert not golden.mismatches(found.floating, wanted)["0.s"]
    assert not any(golden.mismatches(found.floating, wanted).values())
    assert found.errors.signals["0.s"].over_time[0].max_abs < 1e-3


def good(net: golden.Network, count: int) -> dict[str, np.ndarray]:
    return {
        f"{k}.{part}": np.zeros((count, width))
        for k, parts in enumerate(state_file.widths(net))
        for part, width in parts.items()
    }


def changed(name: str, values: np.ndarray | None):
    """A state with one array replaced, or removed."""

    def change(state: dict[str, np.ndarray]) -> None:
        state.pop(name, None)
        if values is not None:
            state[name] = values

    return change


BAD = {
    "missing": (changed("0.y", None), "0.y is missing"),
    "missing gates": (changed("0.gates", None), "0.gates is missing"),
    "of another layer": (changed("1.s", np.zeros(4)), "1.s is no part of the state of paper"),
    "one sequence of two": (changed("0.s", np.zeros(4)), "0.s: shape (4,), must be (2, 4)"),
    "too wide": (changed("0.gates", np.zeros((2, 5))), "0.gates: shape (2, 5), must be (2, 4)"),
    "NaN": (changed("0.s", np.full((2, 4), np.nan)), "0.s: [0, 0] is nan, must be a finite"),
    "words": (changed("0.s", np.full((2, 4), "a")), "0.s: type <U1, must be real numbers"),
    "beyond": (changed("0.s", np.full((2, 4), 99.0)), "0.s[0, 0]: 99 is outside"),
    "below": (changed("0.y", np.full((2, 4), -9.0)), "0.y[0, 0]: -9 is outside"),
    "gate above 1": (
        changed("0.gates", np.full((2, 4), 1.5)),
        "0.gates[0, 0]: 1.5 is outside 0..1 ",
    ),
}


@pytest.mark.parametrize(("change", "words"), BAD.values(), ids=BAD)
def test_a_state_that_does_not_fit_is_named(cli, refused, tmp_path, change, words):
    files, file = Files(tmp_path, "paper", 2, cli), tmp_path / "s.npz"
    state = good(files.net, 2)
    np.savez(file, **state)
    assert cli("compare", *files.words, files.whole, "--state", file).exit_code == 0
    change(state)
    np.savez(file, **state)
    line = refused("compare", *files.words, files.whole, "--state", file)
    assert f"carousel: {file}: {words}" in line


def test_one_sequence_of_another_width_is_named_with_both_shapes(cli, refused, tmp_path):
    files, file = Files(tmp_path, "last", 1, cli), tmp_path / "s.npz"
    np.savez(file, **{"0.s": np.zeros(4), "0.y": np.zeros(3)})
    line = refused("compare", *files.words, files.whole, "--state", file)
    assert "0.y: shape (3,), must be (4,) or (1, 4)" in line


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06 cut"])
def test_a_file_that_is_no_archive_is_named(cli, refused, tmp_path, content):
    files, file = Files(tmp_path, "last", 1, cli), tmp_path / "s.npz"
    file.write_bytes(content)
    assert f"{file}: not a readable .npz" in refused(
        "compare", *files.words, files.whole, "--state", file
    )
    np.save(tmp_path / "x.npy", np.zeros(4))
    file.write_bytes((tmp_path / "x.npy").read_bytes())
    assert f"{file}: not a readable .npz" in refused(
        "compare", *files.words, files.whole, "--state", file
    )


def test_a_damaged_archive_and_a_pickle_are_named(cli, refused, tmp_path):
    files, file = Files(tmp_path, "last", 1, cli), tmp_path / "s.npz"
    np.savez(file, **{"0.s": np.zeros(4), "0.y": np.zeros(4)})
    whole = file.read_bytes()
    file.write_bytes(whole[:60] + bytes(60) + whole[120:])
    assert f"{file}: not a readable" in refused(
        "compare", *files.words, files.whole, "--state", file
    )
    np.savez(file, **{"0.s": np.array([{}], object), "0.y": np.zeros(4)})
    assert f"{file}: not a readable" in refused(
        "compare", *files.words, files.whole, "--state", file
    )


def test_an_archive_that_holds_more_than_it_claims_is_named(cli, refused, tmp_path):
    """Of a state file, too, no more is unpacked than it says that there is."""
    files, file = Files(tmp_path, "last", 1, cli), tmp_path / "s.npz"
    np.savez_compressed(file, **{"0.s": np.zeros(1 << 20), "0.y": np.zeros(4)})
    file.write_bytes(claiming(file.read_bytes(), "0.s.npy", 160))
    line = refused("compare", *files.words, files.whole, "--state", file)
    assert f"{file}: not a readable .npz file" in line and "Bad CRC-32" in line


@pytest.mark.parametrize("option", ["--state", "--save-state"])
@pytest.mark.parametrize("command", ["run", "simulate", "compare"])
@pytest.mark.parametrize("name", nets.REVERSE)
def test_a_reverse_layer_needs_the_whole_sequence(cli, refused, tmp_path, name, command, option):
    files, file = Files(tmp_path, name, 1, cli), tmp_path / "s.npz"
    words = ("-o", tmp_path / "out") if command == "run" else ()
    line = refused(command, *files.words, files.whole, *words, option, file)
    layer = next(k for k, part in enumerate(files.net.layers) if part.reverse)
    assert line == (
        f"carousel: {option}: layer {layer} of {name} runs in reverse and needs the whole sequence"
    )
    assert not file.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_a_state_that_cannot_be_written_is_said_before_the_work(cli, refused, tmp_path, command):
    files = Files(tmp_path, "last", 1, cli)
    line = refused(command, *files.words, files.whole, "--save-state", tmp_path / "gone" / "s.npz")
    assert "gone does not exist" in line
