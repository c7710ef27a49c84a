"""What can go wrong around a simulation, as opposed to in it."""

from golden.errors import CarouselError


class ToolError(CarouselError):
    """A tool that is missing, that cannot work here, or that failed."""


class SimulationError(CarouselError):
    """A simulation that did not come to its end: too few beats came out of the core."""
