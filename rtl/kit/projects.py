"""What tools need to take a kit's files in: a FuseSoC core file, scripts for Vivado and Quartus.

The scripts are written from the tools' documentation; neither tool is run here.
"""

from collections.abc import Sequence

from golden.version import VERSION

PERIOD = 10.0  # ns, to begin with


def fusesoc(module: str, memories: Sequence[str], recorded: Sequence[str]) -> str:
    """A CAPI2 core file with the targets `default`, `lint` and `sim`.

    Parameters
    ----------
    memories, recorded : files that the core, and that the test bench reads.
    """
    lines = [
        "CAPI=2:",
        f"name: ::{module}:{VERSION}",
        "description: A core for a trained LSTM, with a test bench that checks itself",
        "",
        "filesets:",
        "  rtl:",
        f"    files: [{module}.v]",
        "    file_type: verilogSource-2005",
        *_read("memories", memories),
        "  waivers:",
        f"    files: [{module}.vlt]",
        "    file_type: vlt",
        "  bench:",
        f"    files: [{module}_tb.v]",
        "    file_type: verilogSource-2005",
        *_read("recorded", recorded),
        "",
        "targets:",
        "  default:",
        f"    filesets: [rtl{', memories' if memories else ''}]",
        f"    toplevel: {module}",
        "  lint:",
        f"    filesets: [waivers, rtl{', memories' if memories else ''}]",
        f"    toplevel: {module}",
        "    flow: lint",
        "    flow_options:",
        "      tool: verilator",
        "      verilator_options: [-Wall]",
        "  sim:",
        f"    filesets: [rtl{', memories' if memories else ''}, bench, recorded]",
        f"    toplevel: {module}_tb",
        "    flow: sim",
        "    flow_options:",
        "      tool: icarus",
    ]
    return "\n".join([*lines, ""])


def _read(name: str, files: Sequence[str]) -> list[str]:
    """A set of files that are read where the simulation runs, and so are copied there."""
    if not files:
        return []
    rows = [f"      - {file}: {{copyto: {file}}}" for file in files]
    return [f"  {name}:", "    files:", *rows, "    file_type: user"]


def vivado(module: str, clock: str, memories: Sequence[str], axi: bool) -> dict[str, str]:
    """A Tcl script that synthesises the core out of context, and packs it as IP where it has AXI;
    and its clock."""
    read = [
        f'add_files -norecurse [file join $here "{name}"]' for name in (f"{module}.v", *memories)
    ]
    lines = [
        f"# vivado -mode batch -source {module}_vivado.tcl -tclargs PART",
        "# A project, and the core in it, synthesised out of context. PART is xc7a35tcsg324-1 if",
        "# none is given. Written from Vivado's documentation; not run where it was written.",
        "set here [file dirname [file normalize [info script]]]",
        "set part [expr {[llength $argv] > 0 ? [lindex $argv 0] : {xc7a35tcsg324-1}}]",
        f"create_project -force {module} [file join $here {module}_vivado] -part $part",
        *read,
        f'add_files -fileset constrs_1 -norecurse [file join $here "{module}_ooc.xdc"]',
        "set_property USED_IN {synthesis implementation out_of_context} "
        f"[get_files {module}_ooc.xdc]",
        f'add_files -fileset sim_1 -norecurse [file join $here "{module}_tb.v"]',
        f'add_files -fileset sim_1 -norecurse [glob [file join $here "{module}_tb_*.mem"]]',
        f"set_property top {module} [current_fileset]",
        f"set_property top {module}_tb [get_filesets sim_1]",
        f"synth_design -top {module} -part $part -mode out_of_context",
        f"report_utilization -file [file join $here {module}_vivado utilization.rpt]",
        f"report_timing_summary -file [file join $here {module}_vivado timing.rpt]",
    ]
    if axi:
        lines += [
            "ipx::package_project -root_dir $here -vendor user.org -library user "
            "-taxonomy /UserIP -import_files",
            "ipx::infer_bus_interfaces xilinx.com:interface:axis_rtl:1.0 [ipx::current_core]",
            "ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 [ipx::current_core]",
            f"ipx::associate_bus_interfaces -busif s_axis -clock {clock} [ipx::current_core]",
            f"ipx::associate_bus_interfaces -busif m_axis -clock {clock} [ipx::current_core]",
            f"ipx::associate_bus_interfaces -busif s_axil -clock {clock} [ipx::current_core]",
            "ipx::save_core [ipx::current_core]",
        ]
    constraint = f"create_clock -name {clock} -period {PERIOD:.3f} [get_ports {clock}]\n"
    return {f"{module}_vivado.tcl": "\n".join([*lines, ""]), f"{module}_ooc.xdc": constraint}


def quartus(module: str, clock: str, memories: Sequence[str]) -> dict[str, str]:
    """A Tcl script that compiles the core alone, its ports virtual pins, and its constraints."""
    lines = [
        f"# quartus_sh -t {module}_quartus.tcl DEVICE",
        "# A project with the core alone, compiled; its ports are virtual pins. DEVICE is",
        "# 10CX085YU484I6G if none is given. Written from Quartus' documentation; not run where it",
        "# was written.",
        "load_package flow",
        "set device [expr {[llength $argv] > 0 ? [lindex $argv 0] : {10CX085YU484I6G}}]",
        f"project_new -overwrite {module}",
        "set_global_assignment -name DEVICE $device",
        f"set_global_assignment -name TOP_LEVEL_ENTITY {module}",
        f"set_global_assignment -name VERILOG_FILE {module}.v",
        *(f"set_global_assignment -name MISC_FILE {name}" for name in memories),
        f"set_global_assignment -name SDC_FILE {module}.sdc",
        "set_instance_assignment -name VIRTUAL_PIN ON -to *",
        f"set_instance_assignment -name VIRTUAL_PIN OFF -to {clock}",
        "execute_flow -compile",
        "project_close",
    ]
    constraint = f"create_clock -name {clock} -period {PERIOD:.3f} [get_ports {clock}]\n"
    return {f"{module}_quartus.tcl": "\n".join([*lines, ""]), f"{module}.sdc": constraint}
