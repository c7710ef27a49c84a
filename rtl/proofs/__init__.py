"""Formal proofs on the Verilog that is shipped: for all inputs and all time, each with a twin."""

from rtl.proofs.proof import Proof, Twin
from rtl.proofs.solver import Outcome, Proven, check, prove
from rtl.proofs.statements import catalogue, shipped

__all__ = ["Outcome", "Proof", "Proven", "Twin", "catalogue", "check", "prove", "shipped"]
