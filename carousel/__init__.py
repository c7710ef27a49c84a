"""The face: command line, tables, figures and the report. It calls the four packages below it."""


def __getattr__(name: str) -> str:
    """`__version__`, for which NumPy is imported only where it is asked for."""
    if name == "__version__":
        from golden.version import VERSION

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
