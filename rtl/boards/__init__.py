"""Boards: a core behind a UART, and the host's side of the line."""
