"""`carousel inspect`."""
