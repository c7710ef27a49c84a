"""How a user's error looks: one line on stderr and exit status 2, never a traceback."""

from typing import Any

import typer
from typer.core import TyperGroup


class OneLineGroup(TyperGroup):
    """Commands that say a `CarouselError`, or too little memory, in one line; status 2."""

    def invoke(self, ctx: Any) -> Any:
        from golden.errors import CarouselError  # with NumPy behind it, for which --help waits not

        try:
            return super().invoke(ctx)
        except CarouselError as error:
            typer.echo(f"carousel: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(2) from None
        except MemoryError as error:
            reason = " ".join(str(error).split()) or "out of memory"
            typer.echo(f"carousel: too large for this machine's memory: {reason}", err=True)
            raise typer.Exit(2) from None
