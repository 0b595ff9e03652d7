"""A file in concurrent use: other processes append to it, and this process maps it several times."""

import gc
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from mapfile import MapFile

CONTENT = bytes(range(200))

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the system as Linux answers")
unix = pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be truncated there")

# Makes every fallocate of the process fail, as on a file system that does not support it.
WITHOUT_FALLOCATE = """
import ctypes, errno, platform
def instruction(code, jump_true, jump_false, operand):
    return code.to_bytes(2, sys.byteorder) + bytes([jump_true, jump_false]) + operand.to_bytes(4, sys.byteorder)
number = {"x86_64": 285, "aarch64": 47}[platform.machine()]
program = b"".join([
    instruction(0x20, 0, 0, 0),
    instruction(0x15, 0, 1, number),
    instruction(0x06, 0, 0, 0x50000 | errno.EOPNOTSUPP),
    instruction(0x06, 0, 0, 0x7FFF0000),
])
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(4, program)), 0, 0) == 0, ctypes.get_errno()
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
with open(path, "r+b") as file:
    assert libc.fallocate(file.fileno(), 0, 0, 1) == -1 and ctypes.get_errno() == errno.EOPNOTSUPP
"""

FILE_LIMIT = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**24, 2**24))
"""

MEMORY_LIMIT = """
import resource
with open("/proc/self/statm", encoding="utf-8") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
"""

# Grows the file, or tries to, until the appending process is done.
GROW = """
import os, sys
from mapfile import MapFile
path, length = sys.argv[1], int(sys.argv[2])
{prologue}
print("ready", flush=True)
refused = grown = 0
while not os.path.exists(path + ".done"):
    try:
        has = os.path.getsize(path)
        MapFile(path, has + length).close()
        grown += 1
    except OSError:
        refused += 1
    except ValueError as error:
        # The other process has appended since `getsize`.
        assert "more than the length" in str(error), error
print(grown, refused)
"""


def grow_beside(path, appends, prologue, length):
    """Appends the numbers 1, 2, 3, ..., 255, 1, ... while another process grows the file, or tries to.

    Returns the bytes that were added to the file, how often it grew, and how often growing was refused.
    """
    script = GROW.format(prologue=prologue)
    command = [sys.executable, "-c", script, str(path), str(length)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        end = os.open(path, os.O_WRONLY | os.O_APPEND)
        for number in range(appends):
            os.write(end, bytes([number % 255 + 1]))
        os.close(end)
        path.with_name(path.name + ".done").touch()
        grown, refused = map(int, other.stdout.read().split())
        assert other.wait(60) == 0
    content = path.read_bytes()
    assert content[: len(CONTENT)] == CONTENT
    return content[len(CONTENT) :], grown, refused


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


REFUSALS = {
    "no disk is that large": ("", 2**48),
    "the process may not make files that long": (FILE_LIMIT, 2**24),
    "the process may not have that much memory": (MEMORY_LIMIT, 2**27),
}


@linux
@pytest.mark.parametrize(("prologue", "length"), REFUSALS.values(), ids=REFUSALS)
def test_a_growth_that_is_refused_takes_nothing_from_who_appends(path, prologue, length):
    appends = 50_000
    appended, grown, refused = grow_beside(path, appends, prologue, length)
    assert grown == 0
    assert refused > 0
    assert appended == bytes(number % 255 + 1 for number in range(appends))


@linux
@pytest.mark.parametrize("prologue", ["", WITHOUT_FALLOCATE], ids=["fallocate", "no fallocate"])
def test_a_growth_takes_nothing_from_who_appends(path, prologue):
    appends = 20_000
    appended, grown, _refused = grow_beside(path, appends, prologue, 1)
    assert grown > 0
    # The file grew by zeros, which are among the appended numbers.
    assert appended.replace(b"\0", b"") == bytes(number % 255 + 1 for number in range(appends))


@linux
def test_a_file_grows_where_the_system_cannot_reserve_room(path):
    script = f"""
import os, sys
from mapfile import MapFile
path = sys.argv[1]
{WITHOUT_FALLOCATE}
with MapFile(path, 201) as m:
    for length in (70_000, 200_000, 199, 4096, 4097):
        m.resize(length)
        assert len(m) == os.path.getsize(path) == length
        assert bytes(m) == bytes(range(200))[:length] + bytes(max(length - 200, 0))
        m.resize(200)
        memoryview(m)[199] = 199
"""
    subprocess.run([sys.executable, "-c", script, path], check=True, timeout=60)


def refused(path, others):
    text = f"cannot resize: another MapFile of {path} in this process maps {others} bytes; close that one first"
    return pytest.raises(BufferError, match=f"^{re.escape(text)}$")


@unix
@pytest.mark.parametrize("viewed", [True, False])
def test_what_another_map_of_the_process_shows_is_not_cut_off(path, viewed):
    a, b = MapFile(path), MapFile(path)
    array = np.asarray(b) if viewed else None
    with refused(path, 200):
        a.resize(10)
    assert (len(a), len(b), path.read_bytes()) == (200, 200, CONTENT)
    if viewed:
        assert array.tobytes() == CONTENT
        del array
    a.resize(200)
    b.close()
    a.resize(10)
    a.close()
    assert path.read_bytes() == CONTENT[:10]


@unix
def test_a_map_that_nobody_names_any_more_is_in_nobodys_way(path):
    a, b = MapFile(path), MapFile(path)
    view = memoryview(b)
    del b
    with refused(path, 200):
        a.resize(199)
    assert view.tobytes() == CONTENT
    del view
    gc.collect()
    a.resize(199)


@unix
def test_maps_of_one_file_are_told_by_the_file_and_not_by_its_path(path):
    (link, alias, other) = (path.with_name(name) for name in ("link", "alias", "other"))
    os.link(path, link)
    alias.symlink_to(path)
    other.write_bytes(CONTENT)
    a, unlike = MapFile(path), MapFile(other)
    for same in (link, alias):
        with MapFile(same) as b, refused(path, 200):
            a.resize(10)
        assert b.closed
    a.resize(10)
    assert len(memoryview(unlike)) == 200


@unix
def test_maps_of_one_file_may_be_cut_as_far_as_the_others_reach(path):
    a, b = MapFile(path), MapFile(path)
    view = memoryview(b)
    a.resize(1000)
    assert view.tobytes() == CONTENT
    a.resize(201)
    a.resize(200)
    with refused(path, 200):
        a.resize(199)
    view.release()
    a.resize(300)
    b.close()
    with MapFile(path) as b, refused(path, 300):
        a.resize(299)
    a.resize(1)


@unix
def test_threads_that_cut_one_file_fault_nowhere(path):
    # In a separate process, because a fault would end it.
    script = """
import sys, threading
from mapfile import MapFile
path = sys.argv[1]

def work(number):
    for step in range(300):
        try:
            with MapFile(path) as m:
                if number == 0:
                    m.resize(1 + step % 199)
                    m.resize(200)
                else:
                    sum(memoryview(m))
                    header = m.header(len(m) - 16) if len(m) >= 16 else None
                    header.step if header else None
        except (BufferError, OSError):
            # Another thread maps bytes that would be cut off, or has made the file longer or shorter meanwhile.
            pass

threads = [threading.Thread(target=work, args=(number,)) for number in (0, 0, 1, 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
