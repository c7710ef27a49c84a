"""A file is there whole or not at all."""

import os
import subprocess
import sys

import pytest

from golden.errors import ModelError
from golden.files import filling, replacing


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_leaves_the_file_alone(tmp_path):
    with replacing(tmp_path / "a.txt", ModelError) as beside:
        beside.write_text("new")
        assert left(tmp_path) == [beside.name] and beside.name != "a.txt"
    assert left(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "new"


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyError), replacing(tmp_path / "a.txt", ModelError) as beside:
        beside.write_text("half")
        raise KeyError
    assert left(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ModelError, match=r"cannot be written \(Not a directory\)") as caught,
        replacing(tmp_path / "file" / "a.txt", ModelError) as beside,
    ):
        beside.write_text("x")
    assert "\n" not in str(caught.value) and left(tmp_path) == ["file"]


def test_a_folder_that_is_filled_keeps_its_other_files(tmp_path):
    folder = tmp_path / "above" / "out"
    for texts in ({"a": "1", "b": "2"}, {"b": "3", "c": "4"}):
        with filling(folder, ModelError) as stage:
            for name, text in texts.items():
                (stage / name).write_text(text)
            assert not (folder / "c").exists()
    assert {file.name: file.read_text() for file in folder.iterdir()} == dict(a="1", b="3", c="4")
    (tmp_path / "plain").write_text("")
    assert (folder / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert left(tmp_path) == ["above", "plain"] and left(tmp_path / "above") == ["out"]


def test_a_folder_is_as_it_was_when_the_block_fails(tmp_path):
    """The one that was to be made is not there, and the one that was there holds nothing new."""
    for folder in (tmp_path / "above" / "out", tmp_path):
        with pytest.raises(KeyError), filling(folder, ModelError) as stage:
            (stage / "a").write_text("half")
            raise KeyError
    assert left(tmp_path) == []


def test_all_files_of_a_folder_or_none(tmp_path):
    """A folder is where the second file should go: the first one stays as it was."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    with (
        pytest.raises(ModelError, match=r"cannot be written \(Is a directory: .*b\)") as caught,
        filling(tmp_path, ModelError) as stage,
    ):
        (stage / "a").write_text("new")
        (stage / "b").write_text("new")
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == ["a", "b"] and (tmp_path / "a").read_text() == "old"


def test_a_file_cannot_be_filled(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ModelError) as caught, filling(folder, ModelError):
            pass
        assert str(caught.value) == f"output folder {folder}: {tmp_path / 'file'} is not a folder"
    assert left(tmp_path) == ["file"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link", ModelError) as beside:
        beside.write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with replacing(tmp_path / "pipe", ModelError) as beside:
        beside.write_text("text")
    assert os.read(reader, 10) == b"text" and (tmp_path / "pipe").is_fifo()
    assert left(tmp_path) == ["pipe"]
    os.close(reader)


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_is_filled_by_one_process_at_a_time(tmp_path, there):
    folder = tmp_path / "above" / "out"
    if there:
        folder.mkdir(parents=True)
    with filling(folder, ModelError) as stage:
        (stage / "a").write_text("first")
        with pytest.raises(ModelError) as caught, filling(folder, ModelError):
            pass
        assert str(caught.value) == (
            f"output folder {folder}: another run writes to it, let it end first"
        )
    assert left(folder) == ["a"] and left(folder.parent) == ["out"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    code = (
        "import os, pathlib, golden.files as f\n"
        "with f.filling(pathlib.Path('out'), OSError) as stage:\n"
        "    (stage / 'b').write_text('half')\n"
        "    (stage / 'c').mkdir()\n"
        "    os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 9
    assert left(tmp_path) == [".carousel-out"]
    with filling(tmp_path / "out", ModelError) as stage:
        (stage / "a").write_text("whole")
    assert left(tmp_path) == ["out"] and left(tmp_path / "out") == ["a"]
