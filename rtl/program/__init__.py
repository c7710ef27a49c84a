"""What the memories of a core hold, word for word."""
