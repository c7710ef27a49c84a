"""`carousel experiments`."""
