"""A proof: what is said of which part of the Verilog, and how it would fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness

ENGINE = "smtbmc yices"  # of sby


@dataclass(frozen=True)
class Twin:
    """The same proof of a broken design: it must end in a counterexample.

    Attributes
    ----------
    fault : what is broken, in words.
    design : the broken Verilog.
    depth : clocks from power-up within which the fault must show.
    driven : what the search for it may limit itself to: a net of the part, or a free value of the
        statement, and what it is, a number or an expression. A counterexample with fewer inputs
        is one all the same.
    """

    fault: str
    design: Design
    depth: int
    driven: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """One statement on a part of the Verilog, for all inputs and all time.

    Attributes
    ----------
    name : what it is asked for by.
    claim : one sentence that says what is proven.
    size : of what: the part, its bits and depths.
    assumes : what is taken for granted, sentence by sentence; each names the proof that shows it,
        or is part of the claim.
    design : the Verilog.
    state : writes the statement around a part: a harness of it.
    depth : clocks of the induction.
    twin : its broken design.
    """

    name: str
    claim: str
    size: str
    assumes: tuple[str, ...]
    design: Design
    state: Callable[[Design], Harness]
    depth: int
    twin: Twin

    def broken(self, twin: Twin) -> Harness:
        """The statement of a broken twin, limited to what the search for its fault may be."""
        harness = self.state(twin.design)
        for net, value in twin.driven.items():
            name = net if net in harness.free else harness.see(net)
            harness.assume(f"{name} == {value}")
        return harness
