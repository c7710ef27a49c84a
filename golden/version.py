"""The version of the whole project, said once."""

VERSION = "0.1.0"
