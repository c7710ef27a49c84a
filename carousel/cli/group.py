"""Commands whose modules are imported when they are called, so that none waits for the others'."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from carousel.cli.command import Command
from carousel.cli.errors import OneLineGroup


class Commands(Mapping[str, TyperCommand]):
    """Commands by name; each is imported when it is looked up.

    Parameters
    ----------
    modules : by command, the module that has a function of the same name.
    """

    def __init__(self, modules: Mapping[str, str]):
        self._modules = modules

    def __getitem__(self, name: str) -> TyperCommand:
        return _imported(self._modules[name], name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class CommandGroup(OneLineGroup):
    """A group that lists its commands without importing any.

    Attributes
    ----------
    modules : see `Commands`.
    """

    modules: ClassVar[Mapping[str, str]]

    def __init__(self, **attributes: Any):
        super().__init__(**{**attributes, "commands": Commands(self.modules)})

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.modules)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with what their docstrings say, as the sources have them."""
        named = [
            TyperCommand(name, help=docstring(module, name))
            for name, module in self.modules.items()
        ]
        TyperGroup(commands=named).format_commands(ctx, formatter)


@cache
def _imported(module: str, name: str) -> TyperCommand:
    """A command made from its function."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=Command)(getattr(import_module(module), name))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    return command


def docstring(module: str, function: str) -> str:
    """A function's docstring, read from the source of its module."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, module
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (definition,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function
    )
    return ast.get_docstring(definition) or ""
