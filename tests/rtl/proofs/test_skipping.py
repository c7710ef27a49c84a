"""Proofs on cores that skip: each holds, and its broken twin is refuted."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fixedpoint.thresholds import with_thresholds
from golden.network import Network
from rtl import CorePlan, StepPlan, verilog
from rtl.proofs import catalogue, prove
from rtl.proofs.design import Design
from rtl.proofs.sequences import places
from rtl.proofs.skipping.reading import Bounds
from rtl.proofs.statements import LISTED
from tests.rtl.support import G1997, layer, planned, quantized, readout, stack

NAMES = [name for name in LISTED if name != "mends"]
KINDS = (
    "unchanged",
    "zero",
    "thresholds",
    "last output only",
    "two layers, readout",
    "blocks, gate recurrence",
    "coupled, projection",
    "in reverse",
)
BEYOND = {  # what these statements do not speak of, and as what it is named
    "streams": "several streams",
    "state_port": "a state port",
    "load_port": "a load port",
    "stem": "dense stages in front of layers",
}
OF_ANY = "cell", "shut", "fifo"


@cache
def subject(kind: str) -> tuple[StepPlan, Design]:
    """A small core of a kind, and the text that is written of it."""
    rng, lanes = np.random.default_rng(3), 2
    layers, last, output, thresholds, length = (layer(rng, 2, 2),), (), "every", (), None
    match kind:
        case "last output only":
            last, output = readout(rng, 2, 2), "last"
        case "two layers, readout":
            net = stack(rng, 1, 2, 2, outputs=1)
            layers, last, lanes = net.layers, net.head, 3
        case "blocks, gate recurrence":
            layers = (layer(rng, 2, 2, 2, forget=False, recurrence=True),)
        case "coupled, projection":
            one = layer(rng, 1, 3, forget=False)
            layers = (replace(one, coupled=True, projection=rng.normal(size=(1, 3))),)
        case "in reverse":
            layers, length = (replace(layer(rng, 2, 2), reverse=True),), 3
        case "thresholds":
            thresholds = (1, 3)
    qnet = quantized(Network(layers, last, name="small", output=output), rng, 6)
    if thresholds:
        qnet = with_thresholds(qnet, thresholds)
    plan = planned(qnet, lanes, skip="zero" if kind == "zero" else "unchanged", max_length=length)
    return written(plan)


def written(plan: CorePlan) -> tuple[StepPlan, Design]:
    """Its first part, and the text that is written of it."""
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    design, first = Design(text, "carousel_small.core"), plan.parts[0]
    paths = [path for path, part in places(plan).items() if part is first]
    top = design.find(paths[0]) if plan.holds_sequences else design.top
    return first, replace(design, top=top)


@pytest.mark.parametrize("name", ["step"])
def test_proof_holds_and_its_twin_is_refuted(name, tmp_path):
    ((proof,), _) = catalogue(*subject("unchanged"), [name])
    assert prove(proof, tmp_path).ok


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_proof_of_every_kind_holds_and_its_twin_is_refuted(kind, name, tmp_path):
    (proofs, left_out) = catalogue(*subject(kind), [name])
    if not proofs:
        assert left_out[name].status in ("inapplicable", "not provable")
    assert all(prove(proof, tmp_path).ok for proof in proofs)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_proven_of_a_core_is_said(kind):
    proofs, left_out = catalogue(*subject(kind))
    lacking = {"mends"} | ({"sum"} if kind == "zero" else set())
    assert lacking <= set(left_out) <= lacking | {"reader"}
    for proof in proofs:
        assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
        assert proof.design.text != proof.twin.design.text


@pytest.mark.parametrize("what", BEYOND)
def test_what_no_statement_speaks_of_is_named(what):
    """Never in silence: those that speak of rows and lists say what the core has; others remain."""
    rng = np.random.default_rng(3)
    net = Network((layer(rng, 2, 2),), name="small")
    if what == "stem":
        net = replace(net, stem=readout(rng, 2, 2), reads=((1,), (-1,)))
    options = {} if what == "stem" else {what: 2 if what == "streams" else True}
    core = written(planned(quantized(net, rng, 6), 2, skip="unchanged", **options))
    proofs, left_out = catalogue(*core)
    why = f"it is not stated of a core that skips and has {BEYOND[what]}"
    named = {name for name, each in left_out.items() if each.why.startswith(why)}
    assert named == {"reader", "hold", "counts", "sum", "used", "output", "step", "ends"}
    assert all(left_out[name].status == "not provable" for name in named)
    assert {proof.name for proof in proofs} > set(OF_ANY)


def test_too_few_rows_are_told():
    """Between a row and itself lie no more clocks than there are rows, as far as stages say."""
    rng = np.random.default_rng(3)
    one = layer(rng, 2, 1, forget=False, **G1997)
    qnet = quantized(Network((one,), (), name="small"), rng, 6)
    plan = planned(qnet, 3, skip="unchanged")
    text = verilog.convert(verilog.Top(plan), verilog.module_name(qnet))
    found, left_out = catalogue(plan.parts[0], Design(text, "carousel_small.core"))
    for name in ("hold", "sum"):
        assert left_out[name].why.startswith("3 rows: one of so few")
    assert {"step", "output", "ends"} <= {proof.name for proof in found}


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_takes_no_longer_than_its_bound(kind):
    """That every list is whole as late as can be and then to be read takes longer than a step in
    which every column is active."""
    core, _ = subject(kind)
    bounds = Bounds.of(core.schedule)
    assert core.cycles_per_step <= bounds.step
