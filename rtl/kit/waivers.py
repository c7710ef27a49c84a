"""What `verilator --lint-only -Wall` says of a core's Verilog, each with why that is meant."""

REASONS = {
    "DECLFILENAME": "One file holds all modules of the core; the top module has the file's name.",
    "UNUSEDSIGNAL": "Fields of streams and records are named where they pass, used or not.",
    "PROCASSINIT": "Registers have their value after configuration in their declaration, and are\n"
    "// assigned in a clocked block; synthesis for FPGAs takes both.",
}


def waivers(module: str) -> str:
    """A Verilator configuration file for the core's Verilog alone; each rule with its reason."""
    rules = (
        f'// {why}\nlint_off -rule {rule} -file "*{module}.v"\n' for rule, why in REASONS.items()
    )
    return "\n".join(("`verilator_config\n", *rules))
