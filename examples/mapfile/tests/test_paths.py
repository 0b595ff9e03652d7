"""Paths at which there is no file that could be mapped."""

import errno
import os
import sys

import pytest
from mapfile import MapFile


def test_a_path_that_does_not_exist(tmp_path):
    missing = tmp_path / "missing"
    for arguments in ((missing,), (missing, 10), (tmp_path / "no" / "such" / "folder",)):
        with pytest.raises(FileNotFoundError) as refusal:
            MapFile(*arguments)
        assert (refusal.value.errno, refusal.value.filename) == (errno.ENOENT, str(arguments[0]))
    assert not missing.exists()


def test_a_directory(tmp_path):
    with pytest.raises(OSError) as refusal:
        MapFile(tmp_path)
    assert isinstance(refusal.value, (IsADirectoryError, PermissionError))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system as Linux answers")
def test_what_is_no_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in ("/dev/null", "/dev/zero", "/dev/full", pipe):
        for arguments in ((path,), (path, 10)):
            with pytest.raises(OSError, match=f"{path} is no regular file, and no memory can be mapped to it"):
                MapFile(*arguments)


def test_a_path_that_no_file_has():
    with pytest.raises(ValueError, match="NUL"):
        MapFile("a\0b")


def test_an_empty_file(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(ValueError, match=r"empty is empty, and no memory can be mapped to it; give a length"):
        MapFile(empty)
    assert empty.stat().st_size == 0
    with MapFile(empty, 10) as m:
        assert bytes(m) == bytes(10)
