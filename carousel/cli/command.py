"""A command whose whole numbers are written as such: 16, and not 16.0, nor one of 40 digits."""

import re
from typing import Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand

WHOLE = re.compile(r"[+-]?[0-9]{1,15}")


class Command(TyperCommand):
    """Refuses for a whole number what is none, and what no part of the program could count to."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        hints = get_type_hints(self.callback)
        raw, *_ = self.make_parser(ctx).parse_args(list(args))
        param: Any
        for param in self.params:
            hint = hints.get(param.name or "")
            if hint is int or {int, list[int]} & set(get_args(hint)):
                given = raw.get(param.name)
                for value in given if isinstance(given, list) else [given]:
                    if isinstance(value, str) and not WHOLE.fullmatch(value):
                        raise typer.BadParameter(
                            f"{value!r:.60} is no whole number of up to 15 digits", ctx, param
                        )
        return super().parse_args(ctx, args)
