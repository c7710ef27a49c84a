"""The loop over time of one layer as machine code, equal code for code to `fixedpoint.loop`."""
