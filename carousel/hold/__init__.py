"""`carousel hold`."""
