"""What goes with a core's Verilog, so that others can build it in."""
