"""What is measured of a model, by one command or several: each with its tables and JSON."""
