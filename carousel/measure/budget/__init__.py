"""The error budget: its tables, figures and section of a page."""
