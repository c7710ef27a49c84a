"""Faults planted in Verilog: drawn, and shown to be equivalent or not."""
