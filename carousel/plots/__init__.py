"""Figures for a notebook or a script, a call each: signals of traces, an error, a core's schedule.

Each is a `matplotlib.figure.Figure`: a notebook shows it after `%matplotlib inline`, `savefig`
writes it.
"""

from carousel.plots.core import schedule
from carousel.plots.signals import error, trace

__all__ = ["error", "schedule", "trace"]
