"""`carousel search`."""
