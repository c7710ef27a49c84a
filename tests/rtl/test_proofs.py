"""Proofs on a core's own Verilog: each holds, and its broken twin is refuted."""

import numpy as np
import pytest

from golden.network import Network
from rtl import Core, verilog
from rtl.proofs import Proven, catalogue, prove
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.solver import job
from tests.rtl.support import layer, quantized


def subject(forget: bool, bits: int = 6) -> tuple[Core, Design]:
    """A small core, two lanes, and the text that is written of it."""
    rng = np.random.default_rng(3)
    squashes = {} if forget else {"g": "g1997", "h": "h1997"}
    net = Network((layer(rng, 1, 2, forget=forget, **squashes),), None, name="small")
    core = Core(quantized(net, rng, bits), 2)
    text = verilog.convert(verilog.Top(core), verilog.module_name(core.qnet))
    return core, Design(text, "carousel_small.core")


def proven(name: str, forget: bool, folder) -> Proven:
    core, design = subject(forget)
    ((proof,), _) = catalogue(core, design, [name])
    return prove(proof, folder)


@pytest.mark.parametrize(("name", "forget"), [("cell", True), ("saturates-s", False)])
def test_proof_holds_and_its_twin_is_refuted(name, forget, tmp_path):
    found = proven(name, forget, tmp_path)
    assert found.found.status == "PASS"
    assert found.twin.status == "FAIL"
    assert found.ok
    assert found.twin.trace == tmp_path / f"{name}.twin.vcd"
    assert found.twin.trace.read_text().startswith("$")


@pytest.mark.soak
@pytest.mark.parametrize("forget", [True, False])
def test_every_proof_of_a_small_core_holds_and_its_twin_is_refuted(forget, tmp_path):
    core, design = subject(forget)
    proofs, _ = catalogue(core, design)
    assert {"cell", "shut", "fifo", "step"} <= {proof.name for proof in proofs}
    for proof in proofs:
        assert prove(proof, tmp_path).ok, proof.name


def test_harness_reads_what_is_written():
    core, design = subject(True)
    assert design.below(design.find("fifo")).count("endmodule") == 2
    harness = Harness(design, "cell")
    harness.cut("value0")
    assert "cutpoint harness/w:dut.value0" in job(harness, "prove\ndepth 2")
    for module in design.modules.values():
        assert module.text in design.text


def test_what_is_not_there_is_named():
    core, design = subject(True)
    with pytest.raises(ProofError, match="--only nothing: no such proof, there are cell"):
        catalogue(core, design, ["nothing"])
    with pytest.raises(ProofError, match="has no net nowhere"):
        Harness(design, "cell").see("nowhere")
    with pytest.raises(ProofError, match="has no part tail"):
        design.find("tail")
    with pytest.raises(ProofError, match="stands there 0 times"):
        design.replaced(design.find("cell"), "nothing of the kind", "")
