"""What no core can be made for."""

from golden.errors import CarouselError


class LaneError(CarouselError):
    """A number of lanes that the network cannot use."""


class UnsupportedError(CarouselError):
    """A network that one core cannot run."""
