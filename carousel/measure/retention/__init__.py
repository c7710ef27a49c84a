"""What a network keeps: its tables, figures and sections of a page."""
