"""`carousel stream`: a board's codes are the model's, or the one line says why there are none."""

import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import golden
from carousel import stream
from carousel.cli.errors import OneLineGroup
from fixedpoint import quantize
from rtl.boards.link import LinkedCore
from rtl.boards.protocol import Identity
from tests.carousel.nets import INPUTS, layer, network
from tests.rtl.boards.line import Line
from tests.rtl.boards.model_board import SLOTS, ModelBoard
from tests.rtl.support import planned

app = typer.Typer(cls=OneLineGroup)
app.command()(stream.stream)


@app.callback()
def only() -> None:
    """So that `stream` keeps its name."""


def cli(*words):
    return CliRunner().invoke(app, ["stream", *map(str, words)])


def refused(*words) -> str:
    """The line of a command that must end with status 2 and that line only."""
    result = cli(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("carousel: ")
    return line


X = np.random.default_rng(8).uniform(-0.9, 0.9, (2, 7, INPUTS))


@pytest.fixture
def job(tmp_path: Path):
    """A model of one cell, its formats and sequences as files, and its integer network."""
    net = network("small", layer(np.random.default_rng(1), INPUTS, 1))
    golden.save(net, tmp_path / "small.npz")
    np.save(tmp_path / "x.npy", X)
    qnet = quantize(net, bits=8, calibrate=X)
    qnet.formats.dump(tmp_path / "formats.json")
    words = (tmp_path / "small.npz", "--input", tmp_path / "x.npy")
    return qnet, (*words, "--formats", tmp_path / "formats.json")


def model_board(qnet, **options) -> ModelBoard:
    return ModelBoard(qnet, Identity.of(qnet, 0, SLOTS, SLOTS).pack(), **options)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch):
    """Put a port where the command opens one."""

    def plug(port) -> None:
        @contextmanager
        def opened(name: str, baud: int) -> Iterator:
            assert (name, baud) == ("/dev/board", 1_000_000)
            yield port

        monkeypatch.setattr(stream, "opened", opened)

    return plug


def test_the_simulated_gateware_gives_the_models_codes(job, plugged, tmp_path):
    """The whole path: this command, the bits on the line, link and core, and back; all codes equal
    to the integer model's, and written as the real values that they stand for."""
    qnet, words = job
    plugged(Line(LinkedCore(planned(qnet), 4), 4, patience=4000))
    y, told = tmp_path / "y.npy", tmp_path / "told.json"
    result = cli("/dev/board", *words, "--check", "-o", y, "--json", told)
    assert result.exit_code == 0, result.output
    codes = qnet.encode(X)[0]
    assert np.array_equal(np.load(y), qnet.out_format.decode(qnet.run(codes).out))
    found = json.loads(told.read_text())
    assert (found["compared"], found["mismatches"], found["vectors"]) == (28, 0, 14)
    assert (found["ok"], found["faults"], found["broken"]) == (True, 0, 0)


def test_a_code_that_differs_ends_with_1_and_is_named(job, plugged, tmp_path):
    qnet, words = job
    port = model_board(qnet)
    port.wrong = -1
    plugged(port)
    told = tmp_path / "told.json"
    result = cli("/dev/board", *words, "--check", "--json", told)
    assert result.exit_code == 1, result.output
    found = json.loads(told.read_text())
    assert (found["ok"], found["mismatches"]) == (False, 28)
    assert found["first_mismatch"] == "sequence 0, step 0, output 0"
    assert cli("/dev/board", *words).exit_code == 0  # nobody asked


def test_a_bitstream_of_other_weights_is_refused(job, plugged, tmp_path):
    qnet, words = job
    other = network("small", layer(np.random.default_rng(2), INPUTS, 1))
    plugged(model_board(quantize(other, qnet.formats)))
    y = tmp_path / "y.npy"
    assert "board: network" in refused("/dev/board", *words, "-o", y)
    assert not y.exists()


def test_a_bitstream_of_other_formats_is_refused(job, plugged):
    qnet, words = job
    plugged(model_board(qnet))
    line = refused("/dev/board", *words[:-2], "--bits", 12)
    assert "board: input format s8" in line and "the model's is s12" in line


def test_an_input_of_the_wrong_shape_is_refused(job, plugged, tmp_path):
    qnet, words = job
    plugged(model_board(qnet))
    np.save(tmp_path / "x.npy", X[..., :-1])
    assert "(2, 7, 2)" in refused("/dev/board", *words)


def test_a_board_that_does_not_answer_is_named(job, plugged):
    qnet, words = job

    class Silent:
        def read(self, size: int) -> bytes:
            return b""

        def write(self, data: bytes) -> None:
            pass

    plugged(Silent())
    assert "board: no answer" in refused("/dev/board", *words)


def test_ports_that_cannot_be_opened_are_named(job, tmp_path):
    _, words = job
    assert "port /dev/gone: No such file or directory" in refused("/dev/gone", *words)
    assert f"port {tmp_path}: Is a directory" in refused(tmp_path, *words)
    plain = tmp_path / "small.npz"
    assert f"port {plain}: " in refused(plain, *words)


def test_a_missing_package_is_named(job, monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    assert "stream needs pyserial, not installed" in refused("/dev/gone", *job[1])


@contextmanager
def terminal(port: ModelBoard, ends_after: float = float("inf")) -> Iterator[str]:
    """A pseudo-terminal with a board at its other end, which is pulled out after so many bytes."""
    ours, theirs = os.openpty()
    name, over = os.ttyname(theirs), threading.Event()

    def serve() -> None:
        count = 0
        while not over.is_set() and count < ends_after:
            if select.select([ours], [], [], 0.01)[0]:
                data = os.read(ours, 500)
                count += len(data)
                port.write(data)
            while said := port.read(500):
                os.write(ours, said)
        if count >= ends_after:
            os.close(theirs)
            os.close(ours)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield name
    finally:
        over.set()
        thread.join()
        if ends_after == float("inf"):
            os.close(theirs)
            os.close(ours)


def test_a_real_serial_port_is_spoken_to(job):
    """pySerial on a terminal device of the system's, at the default rate."""
    qnet, words = job
    with terminal(model_board(qnet)) as name:
        result = cli(name, *words, "--check")
    assert result.exit_code == 0, result.output


def test_a_port_that_is_pulled_out_is_named(job):
    qnet, words = job
    with terminal(model_board(qnet), ends_after=40) as name:
        assert f"port {name}: " in refused(name, *words)


def test_sequences_longer_than_the_board_holds_are_refused(job, plugged, tmp_path):
    """A network with reverse layers, on a board built for sequences of 6 steps."""
    net = network("both", layer(np.random.default_rng(3), INPUTS, 1, reverse=True))
    golden.save(net, tmp_path / "small.npz")
    qnet = quantize(net, bits=8, calibrate=X)
    qnet.formats.dump(tmp_path / "formats.json")
    identity = Identity.of(qnet, 6, SLOTS, SLOTS)
    plugged(ModelBoard(qnet, identity.pack()))
    assert "6 steps, the input has 7" in refused("/dev/board", *job[1])
