"""Measurements of named cases: results go to a JSON, beside what lies there, and into a page."""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.pages import write

Results = dict[str, Any]


def run(
    doc: str,
    names: Iterable[str],
    measure: Callable[[str], Results],
    table: Callable[[Results], str],
    file: Path,
    page: Path,
) -> None:
    """Measure the cases that the command line names, or all, and write the page anew.

    Parameters
    ----------
    doc : of the command, whose first line is its help.
    names : of all cases.
    measure : one of them, by its name.
    table : of what was measured, by name, as Markdown.
    file : with the results; the page's part is named as it is.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("case", nargs="*", default=list(names), help="which ones; default: all")
    parser.add_argument("--json", type=Path, default=file, help="results")
    options = parser.parse_args()
    found = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name in options.case:
        found[name] = measure(name)
        print(name, found[name], flush=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    write(page, file.stem, table(found))
