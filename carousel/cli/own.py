"""That the packages behind the commands are this project's, and not others of the same names."""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("golden", "fixedpoint", "rtl", "sim")
HOME = Path(__file__).parents[2]


def foreign() -> str:
    """What is wrong where another package would be imported in the place of ours; else nothing."""
    for name in PACKAGES:
        spec = find_spec(name)
        places = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
        place = places[0] if places else Path((spec and spec.origin) or "nowhere")
        if place.resolve() != (HOME / name).resolve():
            return f"the package `{name}` is {place}, must be {HOME / name}: mend PYTHONPATH"
    return ""
