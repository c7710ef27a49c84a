"""Stages that read what others give, in gateware: no code, mark or counter differs."""

from pathlib import Path

import numpy as np
import pytest

from golden import Dense, Network
from rtl.schedule.schedule import allowed_lanes, schedule_of
from sim import Verdict, check, simulate
from tests.sim.cases import Case, any_codes, quantize, random_layer, random_options

FUNCTIONS = ["identity", "sigma", "tanh", "relu", "hardtanh", "hard", "relu6"]


def wired_case(seed: int) -> Case:
    """Up to three layers, dense stages in front of some of them, up to two behind; every stage
    reads the one before, and now and then others or the input."""
    rng = np.random.default_rng((2026, seed))
    count, behind = int(rng.integers(1, 4)), int(rng.integers(0, 3))
    forget, special = bool(rng.integers(2)), rng.random() < 0.4
    stems = [bool(rng.random() < 0.6) for _ in range(count)]
    widths, reads, last = {-1: int(rng.integers(1, 6))}, dict[int, tuple[int, ...]](), -1

    def read(k: int) -> int:
        nonlocal last
        reads[k] = tuple(sorted({last, *(j for j in widths if rng.random() < 0.3)}))
        last = k
        return sum(widths[j] for j in reads[k])

    def dense(k: int) -> Dense:
        inputs, units = read(k), int(rng.integers(1, 7))
        widths[k] = units
        weights = rng.normal(size=(units, inputs)) / np.sqrt(inputs)
        return Dense(weights, rng.normal(size=units), str(rng.choice(FUNCTIONS)))

    layers, stem = [], []
    for k in range(count):
        stem += [dense(count + len(stem))] if stems[k] else []
        options = random_options(rng) or {"gate": "sigma"} if special else {}
        options = {"gate": "sigma"} if seed % 4 == 1 else options  # the tail may take whole blocks
        layers.append(random_layer(rng, read(k), forget, False, **options))
        widths[k] = layers[-1].shape.outputs
    head = [dense(k) for k in range(count + len(stem), count + len(stem) + behind)]
    order = tuple(reads[k] for k in range(len(reads)))
    output = str(rng.choice(["every", "every", "last"]))
    net = Network(tuple(layers), tuple(head), "wired", output=output, stem=tuple(stem), reads=order)
    x = rng.choice([0.2, 1.0, 5.0]) * rng.normal(size=(2, 12, widths[-1]))
    qnet = quantize(net, bits=int(rng.integers(6, 19)), calibrate=x)
    allowed = allowed_lanes(qnet)
    lanes = (allowed[0], allowed[-1], int(rng.choice(allowed)))[seed % 3]
    idle, back_pressure = rng.choice([0.0, 0.5, 0.9], 2)
    codes = any_codes(rng, qnet, 4, int(rng.integers(4, 16)))
    return Case(net, qnet, codes, lanes, float(idle), float(back_pressure), seed)


def run_case(seed: int, build_dir: Path) -> Verdict:
    """One configuration with one or two streams, its input dense or sparse."""
    case, options = wired_case(seed), {"streams": 1 + seed % 2}
    if seed % 5 == 4:
        options["nonzeros"] = case.qnet.inputs
    verdict = check(
        case.qnet,
        case.codes,
        simulate(
            case.qnet,
            case.codes,
            lanes=case.lanes,
            pattern=case.pattern,
            build_dir=build_dir,
            **options,
        ),
    )
    assert verdict.ok, f"{case}, reads {case.net.reads}: {verdict}"
    assert not verdict.unseen
    return verdict


def test_the_cases_have_everything():
    cases = [wired_case(seed) for seed in range(40)]
    nets = [case.net for case in cases]
    for what in (
        [len(net.stem) > 1 for net in nets],
        [bool(net.stem) and not net.head for net in nets],
        [len(net.head) == 2 for net in nets],
        [any(len(read) > 2 for read in net.reads) for net in nets],
        [any(-1 in read for read in net.reads[1:]) for net in nets],
        [net.output == "last" for net in nets],
        [any(layer.peepholes for layer in net.layers) for net in nets],
        [any(layer.projection is not None for layer in net.layers) for net in nets],
        [schedule_of(case.qnet, case.lanes).tail > 1 for case in cases[1::12]],
    ):
        assert sum(what) >= 2


def test_stages_in_front_between_and_added(build_dir):
    """Of two streams; the last layer's outputs are the network's."""
    verdict = run_case(SHORT, build_dir)
    assert verdict.codes


SHORT = 3


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(60))
def test_random_configuration_soak(seed, build_dir):
    assert run_case(seed, build_dir).codes
