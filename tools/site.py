"""What `make docs` adds to the pages of docs/: their order, README, and a page for each module."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PACKAGES = ("golden", "fixedpoint", "rtl", "sim", "carousel")
INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages in the order of docs/index.md, and the modules behind them."""
    parts = re.split(r"^(To .*):$", INDEX, flags=re.MULTILINE)
    groups = zip(parts[1::2], parts[2::2], strict=True)
    pages = [{title: re.findall(r"\]\(([\w.]+\.md)\)", text)} for title, text in groups]
    reference = [{package: [_page(m) for m in _modules(package)]} for package in PACKAGES]
    config.nav = ["index.md", {"README": "readme.md"}, *pages, {"Modules": reference}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make README a page, and each module one with its public names."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "readme.md", content=readme))
    for package in PACKAGES:
        for module in _modules(package):
            text = f"# {module}\n\n::: {module}\n    options:\n      show_root_heading: false\n"
            files.append(File.generated(config, _page(module), content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Lead links that leave docs/ to the pages made here."""
    text = markdown.replace("](../README.md", "](readme.md")
    return re.sub(r"\]\(\.\./(\w+(?:/\w+)*)\.py\)", lambda m: f"]({_page(_dotted(m[1]))})", text)


def _dotted(path: str) -> str:
    return path.replace("/", ".").removesuffix(".__init__")


def _page(module: str) -> str:
    return f"modules/{module}.md"


def _modules(package: str) -> Iterator[str]:
    """Names of a package's modules that are public and hold something."""
    for path in sorted((ROOT / package).rglob("*.py")):
        name = _dotted(str(path.relative_to(ROOT).with_suffix("")))
        if "._" not in name and path.stat().st_size:
            yield name
