"""`carousel compare`."""
