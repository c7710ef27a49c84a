"""What can go wrong before a solver has an answer."""

from golden.errors import CarouselError


class ProofError(CarouselError):
    """A proof that is not known or cannot be stated of a core, or a tool that is missing."""


class InapplicableError(ProofError):
    """A core lacks what a statement speaks of, so that it says nothing of this core."""


class VacuousError(ProofError):
    """Nothing fulfils what a statement assumes, so it says nothing."""
