"""Grows a mapped file page by page, with a header and a block in each page, and without a single `del`.

Run it with any Python that has numpy and mapfile installed. `cargo xtask develop` installs both into `.venv`.
"""

import ctypes
import mmap
import pathlib
import tempfile

import numpy as np
from mapfile import MapFile

PAGE = mmap.PAGESIZE
PAGES = 10


class Header(ctypes.LittleEndianStructure):
    """The header as a ctypes struct, which can be mapped onto a file."""

    _fields_ = [("magic", ctypes.c_char * 4), ("step", ctypes.c_uint32), ("length", ctypes.c_uint64)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pages"
        path.touch()
        the_question(path)
        grow(path)
        read_back(path)
        what_is_left_over(path)


def the_question(path):
    print("With the mmap module, the variable of the first page keeps the file from growing:")
    path.write_bytes(bytes(PAGE))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), PAGE) as mapping:
        print(f"   {grow_with_mmap(mapping)}")
    path.write_bytes(b"")


def grow_with_mmap(mapping):
    with memoryview(mapping) as view:
        header = Header.from_buffer(view)
        header.step = 1
    try:
        # The block has ended, but a view is still alive: the variable `header` holds it.
        mapping.resize(2 * PAGE)
    except BufferError as error:
        return f"BufferError: {error}"


def grow(path):
    print(f"With mapfile it grows to {PAGES} pages, with a header and a block at each step:")
    with MapFile(path, PAGE) as file:
        for step in range(PAGES):
            file.resize((step + 1) * PAGE)
            start = step * PAGE

            header = file.header(start)
            header.magic, header.step = b"PAGE", step

            with file.view(start + 16, PAGE - 16) as block:
                numbers = 2 * step + 1
                block[: 8 * numbers] = np.arange(numbers, dtype="<f8").tobytes()

            with header.view() as record:
                np.asarray(record)["length"] = 8 * numbers
        # The variables `header`, `block` and `record` still exist here, but no view is held.
        file.flush()
        print(f"   {file!r}")
    print(f"   {path.stat().st_size} bytes on the disk")


def read_back(path):
    print("Read back:")
    with MapFile(path) as file:
        for start in range(0, len(file), PAGE):
            header = file.header(start)
            with file.view(start + 16, header.length) as block:
                print(f"   {header}, the sum is {np.frombuffer(block, '<f8').sum():g}")


def what_is_left_over(path):
    print("An array that outlives its block is reported at the end of the block, and at the next resize:")
    with MapFile(path) as file:
        try:
            with file.view(16, 8) as block:
                array = np.frombuffer(block, "<f8")
        except BufferError as error:
            print(f"   BufferError: {error}")
        try:
            file.resize(PAGE)
        except BufferError as error:
            print(f"   BufferError: {error}")
        array = array.copy()
        file.resize(PAGE)
        print(f"   {file!r}, and a copy: {array}")


if __name__ == "__main__":
    main()
