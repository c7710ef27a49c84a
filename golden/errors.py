"""Errors that a person can act on: one line that names the thing, the value, what is allowed."""


class CarouselError(ValueError):
    """Base of every error that is the user's to mend; the command line then exits with status 2."""


class ModelError(CarouselError):
    """A network or a model file that is broken or inconsistent."""


class InputError(CarouselError):
    """An input sequence or a state whose shape, type or values do not fit the network."""
