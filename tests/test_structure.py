"""How the code hangs together: which way imports go, and how long a file may be.

The rules are functions of a tree, so that they are also shown to catch what they forbid.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from carousel import main

ROOT = Path(__file__).parents[1]
ORDER = ("golden", "fixedpoint", "rtl", "sim", "carousel")
"""The packages, the lowest first: none imports a later one."""
APART = ("bench", "tests", "tools")
"""What is not installed, and so not imported by what is."""
SCHEDULE = tuple(
    f"rtl.schedule.{name}"
    for name in (
        *("rows", "phases", "groups", "issue", "latency", "schedule"),
        *("listing", "walking", "skipping"),
    )
)
SHARED = ("cli", "plots", "report", "work", "measure")
"""The folders of `carousel` that its commands share; all else in it is a command."""
START = ("__init__", "__main__", "main")
LONGEST = 400


@dataclass(frozen=True)
class Import:
    """That `importer` imports `target`, a module of the tree or the name of one outside."""

    importer: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: imports {self.target}"


def modules(root: Path, tops: tuple[str, ...] = ORDER) -> dict[str, Path]:
    """The modules of the packages by name; a package is the module in its `__init__.py`."""
    paths = (path for top in tops for path in sorted((root / top).rglob("*.py")))
    found = {".".join(path.relative_to(root).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imports(root: Path) -> list[Import]:
    """All imports, those inside functions and for type checkers alone among them."""
    known = modules(root)
    return [
        Import(name, line, target)
        for name, path in known.items()
        for line, target in _targets(ast.parse(path.read_text(encoding="utf-8")), known)
    ]


def _targets(tree: ast.AST, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield node.lineno, whole if whole in known else base


def upward(found: list[Import]) -> list[str]:
    """Imports of a later package, of what is not installed, and relative ones."""
    allowed = {name: ORDER[: k + 1] for k, name in enumerate(ORDER)}

    def wrong(each: Import) -> bool:
        top = each.target.split(".")[0]
        ours = top in (*ORDER, *APART)
        return top == "" or (ours and top not in allowed[each.importer.split(".")[0]])

    return [str(each) for each in found if wrong(each)]


def circle(found: list[Import]) -> list[str]:
    """Modules that import one another in a ring; empty if there are none."""
    graph: dict[str, set[str]] = {}
    for each in found:
        graph.setdefault(each.importer, set()).add(each.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def reaching(found: list[Import], starts: tuple[str, ...], outside: str) -> list[str]:
    """Imports of the package `outside` by these modules, or by any that they import."""
    seen, faults, ahead = set(), [], list(starts)
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            own = [each for each in found if each.importer == name]
            faults += [str(each) for each in own if each.target.split(".")[0] == outside]
            ahead += [each.target for each in own]
    return faults


def commands(root: Path) -> set[str]:
    """The commands by the names of their folders and files."""
    known = (name.split(".") for name in modules(root))
    return {parts[1] for parts in known if parts[0] == "carousel" and len(parts) > 1} - {
        *SHARED,
        *START,
    }


def across(root: Path, found: list[Import]) -> list[str]:
    """Imports of a command by another one, or by what they share."""
    names = commands(root)

    def wrong(each: Import) -> bool:
        own, its = (name.split(".")[:2] for name in (each.importer, each.target))
        named = its[0] == "carousel" and its[-1] in names
        return named and own != its and own[-1] not in START

    return [str(each) for each in found if wrong(each)]


def missing(root: Path) -> list[str]:
    """Imports of modules, or of names from modules, that the tree does not have.

    Where another tree is installed, Python may find them there and say nothing.
    """
    known = modules(root, (*ORDER, *APART))
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in known.items()}
    bound = {name: _bound(tree) for name, tree in trees.items()}
    faults = []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                named = (alias.name for alias in node.names)
                wanted = [
                    node.module if each in bound.get(node.module, ()) else f"{node.module}.{each}"
                    for each in named
                ]
            else:
                continue
            ours = (each for each in wanted if each.split(".")[0] in ORDER)
            faults += [str(Import(name, node.lineno, each)) for each in ours if each not in known]
    return faults


def _bound(tree: ast.AST) -> set[str]:
    """Every name that is given a meaning anywhere in a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def hidden(root: Path) -> list[str]:
    """Modules that `import` cannot give, as their package offers something else of the name."""
    known, faults = modules(root), []
    for name, path in known.items():
        if path.name == "__init__.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module != name:
                    offered = (f"{name}.{alias.asname or alias.name}" for alias in node.names)
                    faults += [each for each in offered if each in known]
    return faults


def long_files(root: Path) -> list[str]:
    """Files of Python of more than `LONGEST` lines."""
    paths = [path for top in (*ORDER, *APART) for path in sorted((root / top).rglob("*.py"))]
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [
        f"{path.relative_to(root)}: {size} lines, at most {LONGEST}"
        for path, size in sizes.items()
        if size > LONGEST
    ]


@pytest.fixture(scope="module")
def ours() -> list[Import]:
    return imports(ROOT)


def test_packages_import_in_one_direction(ours):
    assert {each.importer.split(".")[0] for each in ours} == set(ORDER)
    assert not upward(ours)


def test_no_modules_import_one_another_in_a_ring(ours):
    assert not circle(ours)


def test_the_schedule_needs_no_amaranth(ours):
    """`rtl/__init__.py` apart, which offers the gateware too."""
    assert set(SCHEDULE) <= set(modules(ROOT))
    assert not reaching(ours, SCHEDULE, "amaranth")
    assert reaching(ours, ("rtl.core",), "amaranth")


def test_the_folders_of_the_face_are_its_commands():
    """`ls carousel` reads like `carousel --help`."""
    assert commands(ROOT) == set(main.COMMANDS)


def test_no_command_imports_another_one(ours):
    assert not across(ROOT, ours)


def test_what_is_imported_is_there():
    assert not missing(ROOT)


def test_no_package_offers_a_function_in_place_of_a_module():
    assert not hidden(ROOT)


def test_no_file_is_too_long():
    assert not long_files(ROOT)


def tree(root: Path, **files: str) -> list[Import]:
    """The imports of a tree with these files, `a__b="..."` being the text of a/b.py."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/', 1)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return imports(root)


@pytest.mark.parametrize(
    "text",
    [
        "from rtl.core import Core",
        "from rtl import core",
        "import rtl.core as core",
        "def later():\n    from rtl.core import Core",
        "if TYPE_CHECKING:\n    from rtl.core import Core",
        "from tests.nets import layer",
        "from . import cell",
        "from .cell import Cell",
    ],
)
def test_an_import_of_a_later_package_is_seen(tmp_path, text):
    good = "import numpy\nfrom golden.cell import Cell"
    found = tree(tmp_path, golden__cell="", rtl__core="from fixedpoint import net")
    assert not upward(found)
    assert not upward(tree(tmp_path, fixedpoint__net=good))
    assert len(upward(tree(tmp_path, fixedpoint__net=f"{good}\n{text}"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from rtl.a import A",
        "from rtl import a",
        "def later():\n    import rtl.a",
        "if TYPE_CHECKING:\n    from rtl.a import A",
    ],
)
def test_a_ring_is_seen(tmp_path, text):
    line = {"rtl__a": "from rtl.b import B", "rtl__b": "from rtl.c import C"}
    assert not circle(tree(tmp_path, **line, rtl__c="import numpy"))
    assert set(circle(tree(tmp_path, rtl__c=text))) == {"rtl.a", "rtl.b", "rtl.c"}


def test_amaranth_is_seen_behind_another_module(tmp_path):
    tree(tmp_path, rtl__issue="from rtl.rows import Row", rtl__rows="from rtl import words")
    assert not reaching(tree(tmp_path, rtl__words="import numpy"), ("rtl.issue",), "amaranth")
    found = tree(tmp_path, rtl__words="from amaranth.hdl import Signal")
    assert reaching(found, ("rtl.issue",), "amaranth") == [
        "rtl.words, line 1: imports amaranth.hdl"
    ]


@pytest.mark.parametrize(
    "importer", ["carousel__run", "carousel__cli/output", "carousel__hold/page"]
)
@pytest.mark.parametrize(
    "text",
    [
        "from carousel import search",
        "from carousel.search import command",
        "from carousel.search.command import search",
        "def later():\n    import carousel.search.command",
        "if TYPE_CHECKING:\n    from carousel.search.result import SearchResult",
    ],
)
def test_a_command_that_imports_another_one_is_seen(tmp_path, importer, text):
    good = {
        "carousel__main": "from carousel.search.command import search",
        "carousel__search/__init__": "",
        "carousel__search/command": "from carousel.search import result",
        "carousel__search/result": "from carousel.cli import output",
        "carousel__cli/__init__": "",
        "carousel__cli/output": "",
    }
    assert not across(tmp_path, tree(tmp_path, **good))
    assert len(across(tmp_path, tree(tmp_path, **{f"carousel__{importer}": text}))) == 1


def test_a_long_file_is_seen(tmp_path):
    tree(tmp_path, golden__short="x = 1\n" * LONGEST, tests__long="x = 1\n" * (LONGEST + 1))
    assert long_files(tmp_path) == [f"tests/long.py: {LONGEST + 1} lines, at most {LONGEST}"]


@pytest.mark.parametrize(
    "text", ["import rtl.gone", "from rtl.gone import A", "from rtl import gone", "import rtl, sim"]
)
def test_an_import_of_nothing_is_seen(tmp_path, text):
    good = "import numpy\nfrom rtl.core import Core\nfrom rtl import WIDTH, core\n"
    tree(tmp_path, rtl____init__="WIDTH = 3", rtl__core="class Core: ...")
    tree(tmp_path, tests__test_core=good)
    assert not missing(tmp_path)
    tree(tmp_path, tests__test_core=f"{good}def later():\n    {text}")
    assert len(missing(tmp_path)) == 1


def test_a_function_in_place_of_a_module_is_seen(tmp_path):
    good = "from rtl.plan import CorePlan\nfrom rtl import plan"
    tree(tmp_path, rtl____init__=good, rtl__plan="")
    assert not hidden(tmp_path)
    tree(tmp_path, rtl____init__="from rtl.plan import plan")
    assert hidden(tmp_path) == ["rtl.plan"]
