"""A core behind AXI: streams for its vectors, a register map for all else."""
