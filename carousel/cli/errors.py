"""How a user's error looks: one line on stderr and exit status 2, never a traceback."""

from typing import Any

import typer
from typer.core import TyperGroup

UsageError: Any = typer.BadParameter.__bases__[0]


class OneLineGroup(TyperGroup):
    """Commands that say a `CarouselError`, too little memory, or words that are no command of
    theirs, in one line; status 2."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        if not args:  # what then is shown is the help
            return super().make_context(info_name, args, parent, **extra)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except UsageError as error:
            raise _misused(error) from None

    def invoke(self, ctx: Any) -> Any:
        from carousel.cli import output  # with NumPy behind them, for which --help waits not
        from golden.errors import CarouselError  # with NumPy behind it, for which --help waits not

        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _misused(error) from None
        except CarouselError as error:
            typer.echo(f"carousel: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(2) from None
        except MemoryError as error:
            reason = " ".join(str(error).split()) or "out of memory"
            typer.echo(f"carousel: too large for this machine's memory: {reason}", err=True)
            raise typer.Exit(2) from None
        finally:
            output.tidy()


def _misused(error: Any) -> typer.Exit:
    """Say what of the words is wrong, and where it is said what they can be."""
    where = f"; see {error.ctx.command_path} --help" if error.ctx else ""
    typer.echo(f"carousel: {' '.join(error.format_message().split()).rstrip('.')}{where}", err=True)
    return typer.Exit(2)
