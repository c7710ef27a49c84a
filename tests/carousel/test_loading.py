"""`carousel load`: the line that programs a board, and what it is made from."""

import json
from pathlib import Path

import pytest

from rtl.boards.boards import BOARDS

PROGRAM = """#!/bin/sh
echo "$@" > "$(dirname "$0")/seen"
exit ${STATUS:-0}
"""


@pytest.fixture
def built(tmp_path) -> Path:
    """A folder as `carousel build --board icebreaker` leaves it, moved since."""
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "carousel_board.bin").touch()
    files = {"bitstream": "elsewhere/carousel_board.bin"}
    about = {"board": "icebreaker", "files": files, "decide": False}
    (folder / "build.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def program(tmp_path, monkeypatch) -> Path:
    """An openFPGALoader that writes what it was told to a file, whose path this is."""
    path = tmp_path / "openFPGALoader"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "seen"


def test_the_flash_is_written_and_the_next_command_is_said(cli, built, program):
    result = cli("load", built, "--flash")
    assert result.exit_code == 0, result.output
    assert program.read_text().split() == [
        "-b",
        "ice40_generic",
        "-f",
        f"{built}/carousel_board.bin",
    ]
    assert f"stream PORT {built}/model.npz --formats {built}/formats.json" in result.stdout


def test_the_fpga_alone_is_programmed_where_that_can_be(cli, built, program, refused):
    assert "icebreaker: only its flash can be written, with --flash" in refused("load", built)
    about = json.loads((built / "build.json").read_text())
    (built / "build.json").write_text(json.dumps({**about, "board": "ulx3s-85f", "decide": True}))
    result = cli("load", built)
    assert program.read_text().split() == ["-b", "ulx3s", f"{built}/carousel_board.bin"]
    assert "--decide" in result.stdout


def test_without_the_program_the_line_to_type_is_said(refused, built, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    line = refused("load", built, "--flash")
    assert line.endswith(f"then: openFPGALoader -b ice40_generic -f {built}/carousel_board.bin")


def test_a_program_that_fails_is_an_error(cli, built, program, monkeypatch):
    monkeypatch.setenv("STATUS", "3")
    result = cli("load", built, "--flash")
    assert result.exit_code == 2
    assert "openFPGALoader ended with status 3" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("{", "is not of a build for a board"),
        ("[]", "is not of a build for a board"),
        ('{"board": null, "files": {"bitstream": "x"}, "decide": false}', "is not of a build for"),
        ('{"board": "icebreaker", "files": {"bitstream": "x"}, "decide": false}', "there is none"),
        ('{"board": "arty", "files": {"bitstream": "b"}, "decide": false}', "must be one of"),
    ],
)
def test_what_is_no_build_for_a_board_is_refused(refused, tmp_path, text, said):
    (tmp_path / "b").touch()
    if text is not None:
        (tmp_path / "build.json").write_text(text)
    assert said in refused("load", tmp_path, "--flash")


def test_every_board_can_be_loaded():
    assert all(board.loader for board in BOARDS.values())
