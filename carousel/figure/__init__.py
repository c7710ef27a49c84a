"""`carousel figure`."""
