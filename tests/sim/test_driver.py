"""The C driver of a core in AXI, on a simulated bus: its answers are the integer model's."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rtl.axi.table import OFFSETS
from rtl.kit.driver import driver
from rtl.program.loading import image
from rtl.program.program import Program
from rtl.verilog import module_name, put
from sim.recording import record
from sim.runner import folder_in, run
from tests.rtl.support import planned
from tests.sim.axi_bench import FOLDER
from tests.sim.axi_play import Wrapped, another, network, written
from tests.sim.cases import any_codes
from tests.sim.driver_bench import BUS_ERROR

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared")
LANES = 4
RANGES = (1.0, 4.0, 0.25)  # of the inputs, so that each has fraction bits of its own
GLUE = """
#include "{module}.h"
#include "{module}_load.h"

const struct carousel_core *core(int other)
{{
    static struct carousel_core wrong;
    wrong = {module};
    wrong.input.fraction++;
    return other ? &wrong : &{module};
}}

int load_own(struct carousel *it)
{{
    return carousel_load(it, {module}_words, sizeof {module}_words / sizeof {module}_words[0]);
}}

int encode_in(double value)
{{
    return carousel_encode(carousel_input(&{module}, 0), value);
}}

int encode_last(double value)
{{
    return carousel_encode(carousel_input(&{module}, {module}.inputs - 1), value);
}}

int encode_out(double value)
{{
    return carousel_encode({module}.output, value);
}}
"""
PROTOTYPES = """
const struct carousel_core *core(int other);
int load_own(struct carousel *it);
int encode_in(double value);
int encode_last(double value);
int encode_out(double value);
"""


@pytest.fixture(scope="module")
def wrapped(build_dir, tmp_path_factory) -> Wrapped:
    folder = tmp_path_factory.mktemp("axi")
    return written(network(12, ranges=RANGES), folder, build_dir, lanes=LANES, load_port=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """The driver, the example and a little glue, compiled without a warning."""
    folder, qnet = tmp_path_factory.mktemp("driver"), network(12, ranges=RANGES)
    plan = planned(qnet, LANES, load_port=True, state_port=True)
    put(driver(plan, record(plan, codes_of(qnet)[None])), folder)
    module = module_name(qnet)
    glue = GLUE.format(module=module).partition("\n\n")
    (folder / "glue.c").write_text(glue[0] + PROTOTYPES + "\n" + glue[2])
    sources = ["carousel.c", f"{module}_example.c", "glue.c"]
    done = subprocess.run(
        ["cc", *STRICT, "-o", "driver.so", *sources],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "driver.so"


def codes_of(qnet) -> np.ndarray:
    return any_codes(np.random.default_rng(3), qnet, 6)


def play(wrapped: Wrapped, library: Path, *script: list) -> tuple[list[list[int]], str]:
    """The answers to a script, and what was printed."""
    folder = folder_in(wrapped.built.folder.parent, "run")
    try:
        shutil.copyfile(library, folder / "driver.so")
        (folder / "script.json").write_text(json.dumps(script))
        settings = {FOLDER: str(folder), "COCOTB_LOG_LEVEL": "WARNING"}
        status = run(wrapped.built, "tests.sim.driver_bench", folder, environment=settings)
        log = (folder / "run.log").read_text()
        assert status == 0, log
        return json.loads((folder / "answers.json").read_text()), log
    finally:
        shutil.rmtree(folder)


def test_the_driver_does_what_it_says(wrapped, library):
    """Sent codes give the model's outputs; the state is saved and restored, so that a sequence goes
    on, or not; counters are read; another network is loaded, and the first one again. Another core
    is noticed, and an answer of the bus comes back."""
    qnet, other = wrapped.qnet, another(wrapped.qnet)
    codes = codes_of(qnet)
    (part,) = planned(qnet, LANES, load_port=True).parts
    state_words = len(planned(qnet, state_port=True).state_words)
    send = ["send", len(codes), *codes.reshape(-1).tolist()]
    ask = [send, ["receive", len(codes), qnet.outputs]]
    first = qnet.run(codes)
    words = image(Program(other, part.schedule, True))
    values = [0.0, 0.3, -0.3, 1e9, -1e9, 2.0**-30, -1.5 * 2.0**-qnet.formats.input.frac]
    answers, _ = play(
        wrapped,
        library,
        ["open", 1],
        ["open", 0],
        *ask,  # 2, 3
        ["call", "stop"],
        ["save", state_words],  # 5
        ["call", "start"],
        *ask,
        ["call", "stop"],
        ["restore", *[0] * state_words],
        ["call", "reset"],
        *ask,  # 12, 13
        ["count", OFFSETS["STEPS"]],
        ["count", 0xFC],
        ["call", "stop"],
        ["load", *words],
        ["call", "start"],
        *ask,  # 19, 20
        ["call", "stop"],
        ["load_own"],
        ["call", "start"],
        *ask,
        ["encode", "in", *values],
        ["encode", "last", *values],
        ["encode", "out", *values],
    )
    wanted = [0, *first.out.reshape(-1).tolist()]
    assert answers[0] == [-1] and answers[1] == [0]
    assert answers[3] == answers[8] == answers[13] == answers[25] == wanted
    saved = [0, *first.state[0].s.tolist(), *first.state[0].y.tolist()]
    assert answers[5] == saved
    assert answers[14] == [0, 3 * len(codes)] and answers[15] == [BUS_ERROR, 0]
    assert answers[20] == [0, *other.run(codes).out.reshape(-1).tolist()] != wanted
    elements = qnet.formats.elements
    coded = elements[0], elements[-1], qnet.out_format
    for found, form in zip(answers[26:], coded, strict=True):
        assert found == form.encode(np.array(values))[0].tolist()
    status = [k for k in (2, 4, 6, 9, 10, 11, 16, 17, 18, 21, 22, 23) if answers[k][0]]
    assert not status


def test_a_sequence_goes_on_from_a_restored_state(wrapped, library):
    qnet = wrapped.qnet
    codes = codes_of(qnet)
    state = qnet.run(codes[::-1]).state
    words = [*state[0].s.tolist(), *state[0].y.tolist()]
    send = ["send", len(codes), *codes.reshape(-1).tolist()]
    steps = [["open", 0], ["call", "stop"], ["restore", *words], ["call", "start"], send]
    answers, _ = play(wrapped, library, *steps, ["receive", len(codes), qnet.outputs])
    assert answers[-1] == [0, *qnet.run(codes, state).out.reshape(-1).tolist()]


def test_the_example_prints_what_the_model_gives(wrapped, library):
    """A line a vector, the numbers in full."""
    qnet = wrapped.qnet
    answers, log = play(wrapped, library, ["example"])
    assert answers == [[0]]
    lines = [line.split() for line in re.findall(r"^-?\d[-\d.e ]*$", log, re.M)]
    real = qnet.run(codes_of(qnet)).out / 2.0**qnet.out_format.frac
    assert [[float(number) for number in line] for line in lines] == real.tolist()
