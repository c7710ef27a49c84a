"""Names of a package that are imported when they are asked for."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def names(package: str, where: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: of each of its modules the names that the package gives."""
    modules = {name: module for module, given in where.items() for name in given}

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get
