"""What a person should know though all goes on: one line on stderr, once in a process."""

import sys
from functools import lru_cache


@lru_cache
def note(text: str) -> None:
    """Say it, unless it was said before."""
    print(f"carousel: {text}", file=sys.stderr)


def line(error: Exception) -> str:
    """What an error says, in one line of some length."""
    return " ".join(str(error).split())[:200]
