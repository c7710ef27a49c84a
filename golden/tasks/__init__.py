"""The tasks of the 1997 paper as seeded generators, a module for each kind.

Where the paper leaves a choice open, the one taken here is said in the docstring of the task.
Source: Hochreiter & Schmidhuber (1997), section 5, Tables 1 to 9.
"""

from golden.tasks.marked import Marked, adding, multiplication
from golden.tasks.noisy_signal import TwoSequence, two_sequence
from golden.tasks.reber import EMBEDDED_REBER, Reber
from golden.tasks.recall import Recall, Trigger
from golden.tasks.task import Task
from golden.tasks.temporal_order import (
    CLASSES,
    SYMBOLS,
    TEMPORAL_ORDER,
    TEMPORAL_ORDER_3,
    TemporalOrder,
)

__all__ = [
    "CLASSES",
    "EMBEDDED_REBER",
    "SYMBOLS",
    "TEMPORAL_ORDER",
    "TEMPORAL_ORDER_3",
    "Marked",
    "Reber",
    "Recall",
    "Task",
    "TemporalOrder",
    "Trigger",
    "TwoSequence",
    "adding",
    "multiplication",
    "two_sequence",
]
