"""What the shipped networks keep, for docs/hold.md: `python -m bench.kept [FOLDER]`.

Runs `carousel hold` on each of them, a minute or three, and writes the page's tables and its two
figures. What it says of each lies in FOLDER (default: out/kept); what is there already is not
measured again.
"""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import pages
from carousel.report.tables import Table
from golden.squash import squash

ROOT = pages.DOCS.parent
MODELS = {
    "temporal_order_held": "1997 cells, held",
    "temporal_order": "1997 cells",
    "adding": "forget gates",
}
FIGURES = {"hold-lags": "hold-lags.svg", "hold-map-0": "hold-map.svg"}  # of the last one
VIEWS = ("float64", "float32", "fixed point")
LAGS = (100, 1_000, 10_000, 1_000_000)
Found = dict[str, Any]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/kept")
    found = {name: measured(name, folder / name) for name in MODELS}
    page = pages.DOCS / "hold.md"
    pages.write(page, "shipped", lags_text(found))
    pages.write(page, "thresholds", limits_table(found).markdown())
    for name, file in FIGURES.items():
        shutil.copy(folder / list(MODELS)[-1] / f"{name}.svg", pages.DOCS / file)


def measured(name: str, folder: Path) -> Found:
    """What `carousel hold` says of a model, for programs."""
    file = folder.with_suffix(".json")
    if not file.exists():
        call = ("-m", "carousel", "hold", f"models/{name}.npz", "--json", file, "-o", folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, *map(str, call)], cwd=ROOT, check=True)
    return json.loads(file.read_text(encoding="utf-8"))


def lags_text(found: dict[str, Found]) -> str:
    """For each model a table over its settings and lags, and what was compared."""
    parts = []
    for name, one in found.items():
        left, change = (tuple(f"{what}: {view}" for view in VIEWS) for what in ("left", "change"))
        head = (f"`{name}`, {MODELS[name]}", "lag", *left, *change, "bound")
        played = {each["gateware_codes"]: each["gateware_mismatches"] for each in one["lags"]}
        codes = " and ".join(f"{wrong:,} of {n:,}" for n, wrong in played.items())
        rows = (row for setting in one["lags"] for row in _rows(setting))
        table = Table.of("", head, rows).markdown()
        parts.append(f"{table}\n\nCodes of the gateware that differ: {codes}.")
    return "\n\n".join(parts)


def _rows(setting: Found) -> Iterator[tuple[str, ...]]:
    """Of the worst layer."""
    for number, lag in enumerate(LAGS):
        n = setting["lags"].index(lag)
        left = (min(row[n] for row in setting[view]["left"]) for view in VIEWS)
        change = (max(row[n] for row in setting[view]["change"]) for view in VIEWS)
        bound = max(row[n] for row in setting["bound"])
        values = map(short, (*left, *change, bound))
        yield ("" if number else setting["setting"], f"{lag:,}", *values)


def short(value: float) -> str:
    """Three digits, and those before the point; what is nearly but not exactly 1 shows that."""
    if value in (0, 1):
        return f"{value:g}"
    if abs(value) < 1e-3:
        return f"{value:.1e}".replace("e-0", "e-")
    if abs(value - 1) < 0.01:
        return f"{value:.4f}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def limits_table(found: dict[str, Found]) -> Table:
    """A column for each model: what shuts its gates, and what its states do where it does not."""
    columns = [_limits(one) for one in found.values()]
    rows = ((what, *(column[what] for column in columns)) for what in columns[0])
    return Table.of("", ("", *(f"`{name}`" for name in found)), rows)


def _limits(one: Found) -> dict[str, str]:
    """By what is said, of the first layer."""
    limits, bound = one["retention"]["thresholds"][0], one["bound"]
    lsb = bound["limits"][0]["lsb"]
    own = next(each for each in bound["limits"] if each["inputs"] == "its own distractors")
    kept, stuck = limits["kept"], limits["stuck"]
    half = None if kept is None else math.log(0.5) / math.log(squash("sigma")(np.array(kept)))
    return {
        "format of the state": limits["state"],
        "i exactly 0 up to a net input of": _net(limits["closed"]),
        "i changes no state up to": _net(limits["closed_in_effect"]),
        "f exactly 1 from": "no forget gate" if kept is None else _net(kept),
        "half-life of a float state there, steps": "-" if half is None else f"{half:,.0f}",
        "states that stick with f below 1": "-" if stuck is None else f"up to {stuck * lsb:g}",
        "how far any number of its own distractors can move any state": "0"
        if own["never_changes"]
        else short(own["drift_lsb"][-1] * lsb),
        "a state can saturate on them at step": f"{own['saturates_at']:,}"
        if own["saturates_at"]
        else "never",
        "input that keeps every trained gate exactly shut": bound["open_gate"]
        or f"up to {bound['shut_range']:g}",
    }


def _net(value: float | None) -> str:
    return "never" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
