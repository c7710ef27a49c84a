"""Tables for people: a title, a head and rows of text, shown in a terminal or in the report."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from fixedpoint import Format, Formats
from golden.wiring import labels

NUMBER = re.compile(r"[-+]?([0-9][0-9,]*(\.[0-9]+)?(e[-+]?[0-9]+)?|inf)( LSB| %)?|-")


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    title : what it shows.
    head, rows : names of the columns, and the lines.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> "Table":
        return cls(title, tuple(head), tuple(tuple(map(str, row)) for row in rows))

    def only(self, names: Iterable[str]) -> "Table":
        """These of its columns, in this order."""
        places = [self.head.index(name) for name in names]
        rows = ((row[k] for k in places) for row in self.rows)
        return Table.of(self.title, (self.head[k] for k in places), rows)

    def markdown(self) -> str:
        """It without its title, a line for each row."""
        lines = [self.head, ("---",) * len(self.head), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def show(self, console: Console) -> None:
        """Print it."""
        table = RichTable(box=box.SIMPLE_HEAD, show_header=any(self.head))
        for k, name in enumerate(self.head):
            right = bool(self.rows) and numeric(row[k] for row in self.rows)
            table.add_column(
                Text(name),
                overflow="fold",
                justify="right" if right else "left",
                # where the terminal is narrow names are broken, numbers never
                min_width=max(len(row[k]) for row in self.rows) if right else None,
            )
        for row in self.rows:
            colour = {"yes": "green", "no": "bold red"}.get(row[-1], "")
            table.add_row(*map(Text, row[:-1]), Text(row[-1], style=colour))
        # as a part of the table it would be broken to the table's width
        console.print(Text(self.title, style="bold"))
        console.print(table)


def every_format(found: Formats) -> dict[str, Format]:
    """Every format by what it belongs to."""
    named = {f"input {k}": form for k, form in enumerate(found.elements)}
    if not found.inputs:
        named = {"input": found.input}
    named |= {"pre-activation": found.argument, "sigma": found.sigma}
    for k, layer in enumerate(found.layers):
        named |= {f"layer {k} weights of {name}": form for name, form in layer.weights.items()}
        signals = ("gate", "g", "h", "s", "y", *(["m"] if layer.m else []))
        named |= {f"layer {k} {name}": getattr(layer, name) for name in signals}
    names = labels(len(found.head), len(found.stem))
    for label, stage in zip(names, (*found.stem, *found.head), strict=True):
        named |= {f"{label} weights": stage.weights, f"{label} output": stage.out}
    return named


def formats(found: Formats) -> Table:
    """Every format with its range."""
    rows = (
        (name, form, f"{form.low * form.lsb:g}", f"{form.high * form.lsb:g}", f"{form.lsb:.3g}")
        for name, form in every_format(found).items()
    )
    return Table.of("Number formats", ("of", "format", "lowest", "highest", "LSB"), rows)


def numeric(cells: Iterable[str]) -> bool:
    """Whether a column holds numbers only, and so stands to the right."""
    return all(NUMBER.fullmatch(text) for text in cells)
