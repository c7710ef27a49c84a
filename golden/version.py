"""The version of the whole project, and how to get its optional dependencies."""

import sys

VERSION = "0.1.0"
DISTRIBUTION = "carousel-lstm"  # on the package index `carousel` is another project


def install(extra: str) -> str:
    """The command that adds an extra to the Python that runs, be it of a clone or not."""
    return f"{sys.executable} -m pip install '{DISTRIBUTION}[{extra}]'"
