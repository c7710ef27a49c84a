"""A file is there whole or not at all."""

import pytest

from golden.errors import ModelError
from golden.files import replacing


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
