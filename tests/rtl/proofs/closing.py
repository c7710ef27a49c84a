"""Small cores whose weights shut their gates at distractors."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

import fixedpoint
from fixedpoint.network import QuantizedNetwork
from fixedpoint.retention.ranges import Range
from golden.network import Network
from rtl import CorePlan, verilog
from rtl.proofs.design import Design
from tests.fixedpoint.nets import shared
from tests.rtl.support import G1997, layer, planned

SYMBOLS = np.eye(3)
EVEN: Mapping[str, tuple[int, ...]] = {}  # all rows on one scale


def trained(
    forget: bool, recurrence: bool, coarser: Mapping[str, tuple[int, ...]]
) -> tuple[QuantizedNetwork, Range]:
    """Two cells that the first of three symbols opens and the others shut; these, in codes.

    Rows' weights are `coarser` by so many bits.
    """
    squashes: dict[str, str] = {} if forget else G1997
    one = layer(
        np.random.default_rng(5), 3, 2, forget=forget, recurrence=recurrence, scale=0.3, **squashes
    )
    for kind, side in (("i", -1), ("f", 1)):
        if kind in one.weights:
            one.weights[kind][:, :3] = [0.0, side * 12.0, side * 13.0]
    net = Network((one,), name="small")
    formats = shared(net, 6, np.tile(SYMBOLS, (2, 4, 1)))
    (forms,) = formats.layers
    formats = replace(formats, layers=(replace(forms, coarser=coarser),))
    qnet = fixedpoint.quantize(net, formats)
    codes = qnet.formats.input.encode(SYMBOLS[1:])[0]
    return qnet, Range(codes, codes)


def closing_core(
    forget: bool = False,
    recurrence: bool = True,
    lanes: int = 3,
    coarser: Mapping[str, tuple[int, ...]] = EVEN,
) -> tuple[CorePlan, Design, Range]:
    """A small core, its text, and its distractors."""
    qnet, between = trained(forget, recurrence, coarser)
    plan = planned(qnet, lanes)
    return plan, written(plan), between


def written(plan: CorePlan) -> Design:
    """What is written of a core."""
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    return Design(text, f"{verilog.module_name(plan.qnet)}.core")
