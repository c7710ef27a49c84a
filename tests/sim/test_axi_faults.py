"""The AXI tests themselves: each fault that is planted around the wrapper is caught and named."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from fixedpoint.network import QuantizedNetwork
from rtl.axi.registers import to_json
from rtl.axi.table import registers
from rtl.axi.wrapper import AxiTop
from tests.rtl.support import planned
from tests.sim.axi_play import DECERR, Wrapped, converted, network, received, sent, word
from tests.sim.cases import any_codes

QUIET = 300
FAULTS = {
    "no end of sequences": "0 packets, must be 3",
    "output waits for ready": "m_axis_t never waited",
    "output changes": "m_axis_t: (",
    "output withdrawn": "untaken became None",
    "no sign": "codes of sequence 0 differ",
    "lost end of input": "0 packets, must be 3",
    "response waits for ready": "s_axil_b never waited",
    "any address": "no register, and no error",
    "no strobes": "a strobe was not honoured",
}


class Faulty(wiring.Component):
    """`AxiTop` with one of `FAULTS`, from 1, chosen while it runs; 0 is none."""

    def __init__(self, top: AxiTop):
        self.top = top
        super().__init__({**dict(top.signature.members.items()), "fault": In(range(16))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.top = self.top
        inner: Any = self.top
        outer: Any = self
        for name, member in inner.signature.members.items():
            one, other = getattr(outer, name), getattr(inner, name)
            m.d.comb += other.eq(one) if member.flow == In else one.eq(other)
        valid, ready = inner.m_axis_tvalid, outer.m_axis_tready
        # changes while an output waits, and not for ever
        m.domains.beat = ClockDomain(reset_less=True, local=True)
        shown = Signal()
        m.d.comb += ClockSignal("beat").eq(outer.aclk)
        m.d.beat += shown.eq(~shown)
        changes = {
            "no end of sequences": outer.m_axis_tlast.eq(0),
            "output waits for ready": outer.m_axis_tvalid.eq(valid & ready),
            "output changes": outer.m_axis_tdata.eq(inner.m_axis_tdata ^ ~ready),
            "output withdrawn": [
                outer.m_axis_tvalid.eq(valid & shown),
                inner.m_axis_tready.eq(ready & shown),
            ],
            "no sign": outer.m_axis_tdata.eq(inner.m_axis_tdata & 0xFFF),
            "lost end of input": inner.s_axis_tlast.eq(0),
            "response waits for ready": outer.s_axil_bvalid.eq(
                inner.s_axil_bvalid & outer.s_axil_bready
            ),
            "any address": outer.s_axil_rresp.eq(0),
            "no strobes": inner.s_axil_wstrb.eq(0b1111),
        }
        for k, name in enumerate(FAULTS, 1):
            with m.If(outer.fault == k):
                m.d.comb += changes[name]
        return m


def complaints(qnet: QuantizedNetwork, codes: np.ndarray, answers: list) -> Iterator[str]:
    """What the tests of this folder would fail at."""
    *_, after, unmapped, packets, seen = answers
    if after[1] != 2:
        yield "a strobe was not honoured"
    if unmapped[0] != DECERR:
        yield "no register, and no error"
    if len(packets) != len(codes):
        yield f"{len(packets)} packets, must be {len(codes)}"
    for k, (found, given) in enumerate(zip(received(qnet, packets), codes, strict=False)):
        if found != qnet.run(given).out.reshape(-1).tolist():
            yield f"codes of sequence {k} differ"
    yield from seen["broken"]
    for name, clocks in seen["waits"].items():
        if name in ("m_axis_t", "s_axil_b", "s_axil_r") and not clocks:
            yield f"{name} never waited"


@pytest.fixture(scope="module")
def found(build_dir) -> list[list[str]]:
    """The complaints about no fault, and about each."""
    qnet = network(12)
    top = AxiTop(planned(qnet, 4, state_port=True))
    table = to_json("faulty", registers(top.plan))
    wrapped: Wrapped = converted(qnet, Faulty(top), table, build_dir)
    codes = any_codes(np.random.default_rng(8), qnet, 3, 4)
    scenario = [
        ["pace", 0.5, 0.7, 5],
        ["write", wrapped.at("STATE_ADDRESS"), *word(2)],
        ["write", wrapped.at("STATE_ADDRESS") + 1, 1, 1, 1],
        ["read", wrapped.at("STATE_ADDRESS")],
        ["read", 0xFC],
        *sent(qnet, codes),
        ["packets", QUIET],
        ["seen"],
    ]
    script = [[["reset", k], *scenario] for k in range(len(FAULTS) + 1)]
    answers = wrapped.play(*[operation for part in script for operation in part])
    parts = zip(*[iter(answers)] * 6, strict=True)
    return [list(complaints(qnet, codes, list(part))) for part in parts]


def test_no_fault_is_no_fault(found):
    assert found[0] == [] and len(found) == len(FAULTS) + 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(found, name):
    """The complaint is about what is wrong."""
    complained = found[1 + list(FAULTS).index(name)]
    assert any(FAULTS[name] in complaint for complaint in complained), complained
