"""The page in a browser, in Node for longer, and built anew: with the extra `page` and Chromium."""

import json
from typing import Any

import numpy as np
import pytest

from carousel.page import contents as made
from fixedpoint import quantize
from golden.tasks import TEMPORAL_ORDER
from rtl import plan
from sim.wasm import build, inside
from tests.carousel import chromium, nets
from tests.carousel.test_page import PAGE, contents, cores, node, subject

pytestmark = pytest.mark.soak


def test_the_page_is_made_anew_byte_for_byte():
    """All but how it is packed, which the library that packs decides."""

    def unpacked(value: Any) -> Any:
        packed = ("wasm", "x", "codes")
        if isinstance(value, dict):
            items = value.items()
            return {k: made.unpack(v) if k in packed else unpacked(v) for k, v in items}
        return value

    again = json.loads(json.dumps(made.contents(subject(), cores()["network"][0])))
    assert unpacked(again) == unpacked(contents())


def hundred() -> dict[str, int | str]:
    """100 sequences of 1100 steps, and what the integer model answers."""
    x = TEMPORAL_ORDER.batch(np.random.default_rng(1), 100, 1100)[0]
    planned = cores()["network"][0]
    qnet = planned.qnet
    return made.recorded(qnet, qnet.encode(x)[0], inside.streams(planned.parts[0]))


REPLAY = "replay({ ...data.network.core, recorded: given })"
ALL = 100 * 1100 * (4 + 12 + 4 + 4)


def test_a_hundred_sequences_in_node():
    assert node(REPLAY, hundred()) == {"compared": ALL, "differing": 0}


@pytest.mark.parametrize("name", nets.FORWARD)
def test_every_kind_of_network_runs_as_the_integer_model_does(name):
    """Also over more steps than one call of the core takes."""
    x = nets.sequences(steps=build.ROOM + 20)
    qnet = quantize(nets.every()[name], bits=16, calibrate=x)
    core = made.core(plan(qnet), qnet.encode(x)[0])
    found = node("replay(given)", core)
    assert found == {"compared": len(made.unpack(core["recorded"]["codes"])) // 4, "differing": 0}


def test_a_hundred_sequences_in_a_browser():
    with chromium.browser() as browser:
        browser.open(chromium.address(PAGE))
        given = json.dumps(hundred())
        found = browser.evaluate(f"(({{ data }}, given) => {REPLAY})(window.carousel, {given})")
    assert found == {"compared": ALL, "differing": 0}


STATE = """(({ now, lsb, gateOne, readOne }) =>
    [now.s * lsb, now.i / gateOne, now.o / gateOne, now.y / readOne])(carousel.safe)"""
LATER = "new Promise((resume) => setTimeout(resume, 500))"


def test_somebody_opens_and_shuts_the_doors():
    """By keys and by clicks; what is in stays, and is read, while time runs."""
    with chromium.browser() as browser:
        browser.open(chromium.address(PAGE))
        browser.key("p")
        browser.wait("carousel.safe.now.s !== 0")
        browser.wait("carousel.safe.shutFor > 0")
        assert browser.evaluate(STATE) == [0.75, 0, 0, 0]
        browser.evaluate("speed.value = 3, speed.dispatchEvent(new Event('input'))")
        browser.wait("carousel.safe.shutFor > 20000")
        assert browser.evaluate(STATE) == [0.75, 0, 0, 0]
        assert browser.evaluate("Math.abs(carousel.safe.moved.float)") > 100
        assert "0 LSB" in browser.evaluate(
            "document.querySelector('#row-gateware .moved').innerText"
        )
        browser.click("#door-out")
        browser.wait("carousel.safe.now.o !== 0")
        assert browser.evaluate(STATE) == [0.75, 0, 1, 0.75]
        assert browser.evaluate("document.getElementById('read').innerText.trim()") == "0.75"
        browser.key("i")
        browser.wait("carousel.safe.now.i !== 0 && carousel.safe.moved.gateware === 0")
        browser.wait("carousel.safe.now.s * carousel.safe.lsb !== 0.75")
        assert browser.evaluate("document.getElementById('door-in').ariaPressed") == "true"
        browser.key("i")
        browser.wait("carousel.safe.now.i === 0")
        before = browser.evaluate("[carousel.safe.now.s, carousel.safe.steps]")
        browser.evaluate(LATER)
        after = browser.evaluate("[carousel.safe.now.s, carousel.safe.steps]")
        assert after[0] == before[0] and after[1] > before[1]
        browser.key("t")
        browser.evaluate(LATER)
        steps = browser.evaluate("carousel.safe.steps")
        browser.key(".")
        assert browser.evaluate("carousel.safe.steps") == steps + 1
        assert browser.said == [] and browser.asked == [chromium.address(PAGE)]


@pytest.mark.parametrize("told", ["X then X", "X then Y", "Y then X", "Y then Y"])
def test_somebody_tells_the_network_something(told):
    """Composed by clicks, with a lag; the answer is what was told, and the run can be stopped."""
    with chromium.browser() as browser:
        browser.open(chromium.address(PAGE))
        browser.evaluate(
            "for (const made of document.querySelectorAll('#stories button'))"
            f" if (made.innerText === '{told}') made.click()"
        )
        browser.click("#go")
        browser.wait("!carousel.composer.running && carousel.composer.run")
        text = browser.evaluate("document.getElementById('answer').innerText")
        assert f"answers: {told}" in text
        assert browser.evaluate("carousel.composer.run.done") == 1052
        browser.evaluate("document.querySelector('#lags button:last-child').click()")
        browser.click("#go")
        browser.wait("carousel.composer.run.done > 1000")
        browser.click("#go")
        assert browser.evaluate("carousel.composer.running") is None
        assert browser.evaluate("carousel.composer.run.done") < 1_000_052


def test_the_address_asks_for_the_check():
    with chromium.browser() as browser:
        browser.open(chromium.address(PAGE, "#self-check"))
        browser.wait("checked.innerText.includes('differ')")
        assert browser.evaluate("checked.innerText").startswith("0 of 32,400 ")


def test_a_browser_without_webassembly_is_told():
    with chromium.browser() as browser:
        gone = "delete window.WebAssembly"
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=gone)
        browser.open(chromium.address(PAGE))
        assert "no WebAssembly" in browser.evaluate("failed.innerText")
        assert browser.evaluate("main.hidden") is True


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_no_width_is_too_narrow(width):
    with chromium.browser() as browser:
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        browser.open(chromium.address(PAGE))
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
