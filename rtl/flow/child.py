"""What runs a tool, in a process of its own: `child.py PACKAGE FUNCTION ARGUMENT...`.

Should the process that started it end, however that happens, the tool ends too.
"""

import importlib
import os
import sys
import threading
import time

POLL = 0.5  # seconds between two looks at the parent


def end_with(parent: int) -> None:
    """Wait until this process is no longer the parent's child, then end it."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    package, function, *arguments = sys.argv[1:]
    sys.exit(getattr(importlib.import_module(package), function)(arguments))
