"""Nothing that a user does breaks it: one line on stderr, status 2, and nothing half-written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.abuse import material
from tests.abuse.cases import ABUSES, Abuse, first_of_each_kind

SECONDS = 20  # of processor that a refused command can take at most

FEW = first_of_each_kind()


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all that abuses are made of."""
    place = tmp_path_factory.mktemp("given")
    material.lay(place)
    return place


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Runs a command in a fork of a process that waits for it, see `server`."""
    single = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **single, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
    ) as server:
        asked, answered = server.stdin, server.stdout
        assert asked and answered

        def run(what: dict[str, Any]) -> dict[str, Any]:
            print(json.dumps(what), file=asked, flush=True)
            return json.loads(answered.readline())

        yield run
        asked.close()


def lay(files: dict[str, str | None], place: Path) -> None:
    for name, text in files.items():
        path = place / name
        if text is None:
            path.mkdir()
        elif text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)


def tree(place: Path) -> dict[str, str]:
    """What is in a folder: of files their text, of others their kind."""
    return {
        str(path.relative_to(place)): path.read_text(errors="replace")
        if path.is_file()
        else "other"
        for path in sorted(place.rglob("*"))
    }


def wrong(abuse: Abuse, given: Path, place: Path, serve: Callable) -> str:
    """What of an abuse is not as it must be; nothing where all is."""
    folder = place / "here"
    folder.mkdir()
    lay(abuse.files, folder)
    before = tree(folder)
    words = [word.replace("@", f"{given}/", 1) if word[:1] == "@" else word for word in abuse.words]
    ended = serve(
        {
            "words": words,
            "folder": str(folder),
            "stdout": abuse.stdout,
            "encoding": abuse.encoding,
            "environment": abuse.environment,
            "gone": abuse.gone,
            "room": abuse.room,
            "seconds": SECONDS,
        }
    )
    said = ended["stderr"]
    found = []
    if ended["status"] != 2:
        found.append(f"status {ended['status']}")
    if len(said.splitlines()) != 1 or not said.startswith("carousel: "):
        found.append(f"{len(said.splitlines())} lines")
    if abuse.says not in said:
        found.append(f"{abuse.says} is not said")
    after = tree(folder) if folder.exists() else {}
    if not abuse.whole and not abuse.gone and after != before:
        found.append(f"files {[name for name in after if name not in before]}")
    return f"{', '.join(found)} ({ended['seconds']:.1f} s): {said[-1500:]}" if found else ""


@pytest.mark.parametrize("abuse", FEW, ids=lambda abuse: abuse.kind)
def test_one_of_each_kind_is_refused(abuse, given, tmp_path, serve):
    assert not wrong(abuse, given, tmp_path, serve)


@pytest.mark.soak
@pytest.mark.parametrize("abuse", ABUSES, ids=lambda abuse: abuse.name)
def test_all_are_refused(abuse, given, tmp_path, serve):
    assert not wrong(abuse, given, tmp_path, serve)
