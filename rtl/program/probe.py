"""What a core's probe shows: named streams of codes, each with the signals that pass in a step."""

from dataclasses import dataclass

from rtl.schedule.rows import Row


@dataclass(frozen=True)
class ProbeStream:
    """One part of the probe port: fields `{name}_valid` (1 bit) and `{name}` (a signed code).

    Attributes
    ----------
    name : of its fields.
    rows : what the codes of a step are, in order of arrival; `kind` is the signal's name (i, f, o,
        g, s, m, y; dense or out of dense stages).
    reverse : the steps arrive in reversed order of the sequence's steps.
    once : it shows one step a sequence, the one whose output leaves, and not every step.
    """

    name: str
    rows: tuple[Row, ...]
    reverse: bool = False
    once: bool = False
