"""What joins groups of parts that are not one behind the other, by its name in the Verilog."""


def _giver(number: int) -> str:
    return "input" if number < 0 else f"stage{number}"


def fork(giver: int, reader: int) -> str:
    """Gives a reader what others read too; the core's input is giver -1."""
    return f"{_giver(giver)}_to_stage{reader}"


def wait(giver: int, reader: int) -> str:
    """Holds it until the rest of what the reader reads is there."""
    return f"{_giver(giver)}_waits_for_stage{reader}"


def join(giver: int, reader: int) -> str:
    """Joins it to what the reader reads of groups before the giver."""
    return f"{_giver(giver)}_beside_stage{reader}"
