"""Xilinx series 7: synthesis only, an estimate."""

from rtl.flow.family import DSP, FF, Device, Family

XC7 = Family(
    "xc7",
    "synth_xilinx -family xc7 -flatten",
    "",
    18,
    {
        "LUT": {f"LUT{n}": 1 for n in range(1, 7)}
        | {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "SRL16E": 1, "SRLC32E": 1},
        FF: {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1},
        DSP: {"DSP48E1": 1},
        "RAMB18": {"RAMB18E1": 1, "RAMB36E1": 2},
    },
    {},
)


DEVICES = (Device("xc7", "Xilinx series 7, synthesis only", XC7, (), {}, 0.0),)
