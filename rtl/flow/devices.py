"""The FPGAs that can be built for, by name, and those that are not, with the reason."""

from rtl.flow.errors import FlowError
from rtl.flow.families import ecp5, gatemate, ice40, xc7
from rtl.flow.family import Device

FAMILIES = ecp5, ice40, gatemate, xc7
DEVICES = {device.name: device for family in FAMILIES for device in family.DEVICES}
"""All devices, by name."""

REFUSED = {
    "gowin": "its open placer knows no delay of multipliers, so that no clock can be told",
    "nexus": "its open placer stops at the carry chains of counters, as Yosys 0.70 maps them",
}
"""Families that open tools exist for, and why they are not built for."""


def find(name: str) -> Device:
    """The device of that name.

    Raises
    ------
    FlowError : one that is not known, or not built for; it lists those that there are.
    """
    for family, reason in REFUSED.items():
        if name.startswith(family):
            raise FlowError(f"device {name}: {reason}; there are {', '.join(DEVICES)}")
    if name not in DEVICES:
        raise FlowError(f"device {name!r}: must be one of {', '.join(DEVICES)}")
    return DEVICES[name]
