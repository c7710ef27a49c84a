"""Tests of training on the integer model are collected where torch is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_aware.py"]
