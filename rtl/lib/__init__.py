"""Small parts of which the stages are built: arithmetic, memories, FIFOs, beats."""
