"""Cores that hold whole sequences, for networks with reverse layers: parts and buffers."""
