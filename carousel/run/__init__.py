"""`carousel run`."""
