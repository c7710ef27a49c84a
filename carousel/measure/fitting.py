"""The lanes of a core that is to fit on a device."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import typer

from fixedpoint import QuantizedNetwork
from rtl import CoreOptions, CorePlan, allowed_lanes, plan
from rtl.flow import Device, TooSmallError, fit
from rtl.flow.family import DSP
from rtl.usual import usual_lanes

Found = TypeVar("Found")


def cores(qnet: QuantizedNetwork, options: CoreOptions, device: Device) -> Iterator[CorePlan]:
    """The core with the lanes that were asked for; else those to try, each with half the lanes.

    The first then has the usual number of lanes, of as many as the device has multipliers for.
    """
    lanes, least = options.lanes, allowed_lanes(qnet)[0]
    if lanes is not None:
        yield plan(qnet, options)
        return
    there = device.has.get(DSP)
    lanes = usual_lanes(
        qnet, options, lambda core: not there or fit.multipliers(core, device) <= there
    )
    while True:
        yield plan(qnet, replace(options, lanes=lanes))
        if lanes == least:
            return
        lanes = max(lanes // 2, least)


def first(tried: Iterator[CorePlan], make: Callable[[CorePlan], Found]) -> Found:
    """What is made of the first core that fits.

    Raises
    ------
    TooSmallError : the last one does not fit either.
    """
    core = next(tried)
    while True:
        try:
            return make(core)
        except TooSmallError as caught:
            fewer = next(tried, None)
            if fewer is None:
                raise
            typer.echo(f"{caught}: {fewer.most_lanes} lanes are tried", err=True)
            core = fewer
