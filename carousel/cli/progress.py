"""A bar on stderr while one waits."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as rich
from rich.console import Console

Progress = Callable[..., None]
"""Called with (done, total or None, note), each of them optional."""


def terminal() -> bool:
    """Whether stderr is one."""
    return Console(stderr=True).is_terminal


@contextmanager
def lines(what: str) -> Iterator[Progress]:
    """As `bar`; where there is no terminal, each note is a line on stderr."""
    if terminal():
        with bar(what) as report:
            yield report
        return
    yield lambda *_, note="": print(f"{what}  {note}", file=sys.stderr, flush=True)


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """A bar on stderr while the block runs; call it with (done, total or None, text)."""
    columns = (
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=30),
        rich.TextColumn("{task.fields[note]}"),
        rich.TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with rich.Progress(*columns, console=console, transient=True, disable=quiet) as shown:
        task = shown.add_task(what, total=None, note="")

        def report(done: int = 0, total: int | None = None, note: str = "") -> None:
            shown.update(task, completed=done, total=total, note=note)

        yield report
