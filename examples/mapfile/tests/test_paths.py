"""Paths without a file that can be mapped."""

import errno
import os
import sys

import pytest
from mapfile import MapFile


class HasPath:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


def test_a_path_is_what_open_takes_for_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for given in (path, str(path), os.fsencode(path), HasPath(str(path)), HasPath(os.fsencode(path))):
        with MapFile(given) as m:
            assert (repr(m), bytes(m)) == (f"<MapFile of {path}, 3 bytes>", b"abc")
        assert repr(m) == f"<MapFile of {path}, closed>"
    for given in (3, None, [str(path)], bytearray(os.fsencode(path)), HasPath):
        with pytest.raises(TypeError) as refusal:
            MapFile(given)
        assert str(refusal.value) == f"path must be str, bytes or os.PathLike, not {type(given).__name__}"
    with pytest.raises(TypeError, match=r"expected HasPath.__fspath__\(\) to return str or bytes, not int"):
        MapFile(HasPath(3))


@pytest.mark.skipif(sys.platform != "linux", reason="file names are any bytes there")
def test_a_path_that_is_no_text(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"file-\xff")
    with open(path, "wb") as file:
        file.write(b"abc")
    for given in (path, os.fsdecode(path)):
        with MapFile(given) as m:
            assert bytes(m) == b"abc"
    os.remove(path)
    for given in (path, os.fsdecode(path)):
        with pytest.raises(FileNotFoundError) as refusal:
            MapFile(given)
        assert os.fsencode(refusal.value.filename) == path


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
    for path in ("a\0b", b"a\0b"):
        with pytest.raises(ValueError, match="NUL"):
            MapFile(path)


def test_an_empty_file(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(ValueError, match=r"empty is empty, and no memory can be mapped to it; give a length"):
        MapFile(empty)
    assert empty.stat().st_size == 0
    with MapFile(empty, 10) as m:
        assert bytes(m) == bytes(10)
