"""Parameters of which the ordinary suite takes a few."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def few(kept: Collection, values: Iterable) -> list[Any]:
    """What `parametrize` takes of values, or of tuples of them: those not kept are soaked."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[] if value in kept else [pytest.mark.soak],
        )
        for value in values
    ]
