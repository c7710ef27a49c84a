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
from rtl.proofs.proof import Twin
from rtl.proofs.sequences import places
from rtl.proofs.skipping.reading import Bounds
from rtl.proofs.solver import refute
from rtl.proofs.statements import LISTED
from tests.rtl.proofs.test_proofs import scaled
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
    "state port",
    "zero, state port, gate recurrence",
    "load port",
    "two streams, last output only",
    "two streams, state port",
    "dense stages in front",
    "dense stages in front, between and added",
)
FAULTS = {  # in what only some of these cores have: kind, statement, part, what is replaced by what
    "a step that rebuilds sums is counted": (
        *("state port", "counts"),
        *("front", r"^(  assign \\starts\$\d+  = starts) .*;", r"\1;"),
    ),
    "the tail takes the rows of a step that rebuilds sums": (
        *("state port", "sum"),
        *("kept", r"= start & .*;", "= start;"),
    ),
    "sums are rebuilt again behind the step that rebuilds them": (
        *("state port", "output"),
        *("front.restore", r"= due & \\\$\d+ ;", "= due;"),
    ),
    "a stream has the mark of another one": (
        *("two streams, last output only", "output"),
        *("front.sequencer", r"(2'h3:\n\s+\\\$\d+  = \\\$like) \[1\]", r"\1 [0]"),
    ),
    "a dense stage overtakes the cells": (
        *("dense stages in front", "output"),
        *("front.sequencer", r"= 4'hd;", "= 4'h0;"),
    ),
}
DEPTH = 60  # clocks from power-up in which each of these shows


@cache
def subject(kind: str) -> tuple[StepPlan, Design]:
    """A small core of a kind, and the text that is written of it."""
    rng, lanes = np.random.default_rng(3), 2
    layers, last, output, thresholds, length = (layer(rng, 2, 2),), (), "every", (), None
    skip = "zero" if kind.startswith("zero") else "unchanged"
    streams = 2 if kind.startswith("two streams") else 1
    ports = {name: True for name in ("state_port", "load_port") if name.replace("_", " ") in kind}
    if kind == "dense stages in front, between and added":
        return written(planned(scaled(rng, 6), lanes, skip=skip))
    match kind:
        case "last output only" | "two streams, last output only":
            last, output = readout(rng, 2, 2), "last"
        case "two layers, readout":
            net = stack(rng, 1, 2, 2, outputs=1)
            layers, last, lanes = net.layers, net.head, 3
        case "blocks, gate recurrence" | "zero, state port, gate recurrence":
            layers = (layer(rng, 2, 2, 2, forget=False, recurrence=True),)
        case "coupled, projection":
            one = layer(rng, 1, 3, forget=False)
            layers = (replace(one, coupled=True, projection=rng.normal(size=(1, 3))),)
        case "in reverse":
            layers, length = (replace(layer(rng, 2, 2), reverse=True),), 3
        case "thresholds":
            thresholds = (1, 3)
    net = Network(layers, last, name="small", output=output)
    if kind == "dense stages in front":
        net = replace(net, stem=readout(rng, 2, 2), reads=((1,), (-1,)))
    qnet = quantized(net, rng, 6)
    if thresholds:
        qnet = with_thresholds(qnet, thresholds)
    options = {"skip": skip, "max_length": length, "streams": streams, **ports}
    return written(planned(qnet, lanes, **options))


def written(plan: CorePlan) -> tuple[StepPlan, Design]:
    """Its first part, and the text that is written of it."""
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    design, first = Design(text, "carousel_small.core"), plan.parts[0]
    paths = [path for path, part in places(plan).items() if part is first]
    top = design.find(paths[0]) if plan.holds_sequences else design.top
    return first, replace(design, top=top)


@pytest.mark.parametrize("name", ["step", "adds"])
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


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refuted_in_what_only_some_cores_have(fault, tmp_path):
    kind, name, part, old, new = FAULTS[fault]
    core, design = subject(kind)
    ((proof,), _) = catalogue(core, design, [name])
    twin = Twin(fault, design.replaced(design.find(part), old, new), DEPTH)
    assert refute(proof, twin, tmp_path).status == "refuted"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_proven_of_a_core_is_said(kind):
    proofs, left_out = catalogue(*subject(kind))
    lacking = {"mends"} | ({"sum"} if kind.startswith("zero") else set())
    assert lacking <= set(left_out) <= lacking | {"reader"}
    for proof in proofs:
        assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
        assert proof.design.text != proof.twin.design.text


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
