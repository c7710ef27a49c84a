"""Cologne Chip GateMate: no hard multipliers, so that a product is made of adders."""

from rtl.flow.family import FF, LUT, RAM, Device, Family
from rtl.flow.tools import Tool

LUTS = ("LUT1", "LUT2", "LUT3", "LUT4", "L2T4", "L2T5", "ADDF", "MX2", "MX4")

GATEMATE = Family(
    "gatemate",
    "synth_gatemate -luttree -nomx8",
    "",
    16,
    {
        LUT: {f"CC_{name}": 1 for name in LUTS},
        FF: {"CC_DFF": 1},
        RAM: {"CC_BRAM_20K": 1, "CC_BRAM_40K": 2},
    },
    {LUT: "CPE_LT", FF: "CPE_FF"},
    Tool(
        "nextpnr-himbaechel-gatemate",
        "yowasp_nextpnr_himbaechel_gatemate",
        "run_nextpnr_himbaechel_gatemate",
    ),
    Tool("gmpack", "yowasp_nextpnr_himbaechel_gatemate", "run_gmpack"),
    ".txt",
    ".bit",
    ".ccf",
    ("--vopt out={}", "--vopt ccf={}", "--vopt allow-unconstrained"),
    within={LUT: ("CPE_ADDF", "CPE_ADDF2", "CPE_BRIDGE", "CPE_MULT", "CPE_MX4")},
    router1=0,  # takes over half an hour for a core of 4 lanes
    models=("gatemate/cells_sim.v",),
)

DEVICES = (
    Device(
        "gatemate-a1",
        "Cologne Chip GateMate A1",
        GATEMATE,
        # Without "no-cpe-cp" nextpnr 0.11 traps after routing, in a recursion over routes.
        ("--device", "CCGM1A1", "--vopt", "no-cpe-cp"),
        {LUT: 40960, FF: 40960, RAM: 64},
        100.0,
    ),
)
