"""Memory contents in files of their own: the same memories, and one simulator for many networks."""

import re
from dataclasses import replace

import numpy as np
import pytest

from rtl.kit import contents
from rtl.verilog import Top, convert
from sim import check, simulate, stage
from tests.rtl.support import planned
from tests.sim.cases import any_codes, small_network

HEAD = "module m(input clk);\n  reg [7:0] \\a.b  [1:0];\n"
TAIL = "  reg q = 1'h0;\nendmodule\n"


def memory(*words: str) -> str:
    return "".join(("  initial begin\n", *(f"    {word};\n" for word in words), "  end\n"))


def test_what_is_taken_out_is_what_was_there():
    """Put back word by word, the files make the text that Yosys wrote."""
    text = convert(Top(planned(small_network(), 4)), "core")
    short, files = contents.apart(text)
    assert len(files) > 4 and "initial begin" not in short

    def whole(module: str) -> str:
        def back(found: re.Match[str]) -> str:
            declared = re.search(rf"reg (?:\[(\d+):0\] )?{re.escape(found[2])} \[", module)
            assert declared
            bits = int(declared[1] or 0) + 1
            codes = files[found[1]].split()
            return memory(*(f"{found[2]}[{k}] = {bits}'h{code}" for k, code in enumerate(codes)))

        return re.sub(r'  initial \$readmemh\("(\S+)", (\S+) \);\n', back, module)

    assert "endmodule".join(map(whole, short.split("endmodule"))) == text


def test_a_name_that_verilog_escapes_keeps_its_space():
    text = HEAD + memory(r"\a.b [0] = 8'h0f", r"\a.b [1] = 8'ha0") + TAIL
    short, files = contents.apart(text)
    assert short == HEAD + '  initial $readmemh("contents-0.mem", \\a.b );\n' + TAIL
    assert files == {"contents-0.mem": "0f\na0\n"}


@pytest.mark.parametrize(
    "words",
    [
        ("a[1] = 8'h00", "a[2] = 8'h00"),
        ("a[0] = 8'h00", "b[1] = 8'h00"),
        ("a[0] = 8'h00", "a[1] = 8'b00000000"),
        ("a[0] = 8'h0x",),
        ("a <= 8'h00",),
    ],
)
def test_anything_else_stays(words):
    """Words that do not begin at 0, of two memories, in another base, undefined; no memory."""
    text = HEAD + memory(*words) + TAIL
    assert contents.apart(text) == (text, {})


def test_networks_of_one_shape_share_a_simulator_and_not_their_weights(build_dir, monkeypatch):
    """The second network is simulated without a build, and is itself to the last code."""
    builds, build = [], stage.build

    def seen(*given, **more):
        builds.append(build(*given, **more))
        return builds[-1]

    monkeypatch.setattr(stage, "build", seen)
    first = small_network()
    layer = first.layers[0]
    turned = {kind: np.roll(codes, 1, axis=1) for kind, codes in layer.weights.items()}
    second = replace(first, layers=(replace(layer, weights=turned), *first.layers[1:]))
    codes = any_codes(np.random.default_rng(0), first, 3)
    outputs = []
    for qnet in (first, second):
        hardware = simulate(qnet, codes, lanes=4, build_dir=build_dir)
        assert check(qnet, codes, hardware).wrong == 0
        outputs.append(hardware.out.tolist())
    assert outputs[0] != outputs[1]
    assert builds[1].cached and builds[1].folder == builds[0].folder
    assert builds[1].files != builds[0].files
