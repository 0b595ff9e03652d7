"""A file and its mapping: opened, viewed, resized, flushed, closed. A refusal leaves the file unchanged."""

import errno
import gc
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import weakref

import numpy as np
import pytest
from mapfile import MapFile

CONTENT = bytes(range(200))

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the system as Linux answers")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def test_a_file_is_its_bytes(path):
    with MapFile(path) as m:
        with memoryview(m) as view:
            assert (view.format, view.shape, view.readonly, view.tobytes()) == ("B", (200,), False, CONTENT)
            view[:3] = b"abc"
        assert (len(m), bytes(m)[:4]) == (200, b"abc\3")
        assert hashlib.sha256(m).digest() == hashlib.sha256(bytes(m)).digest()
        np.asarray(m)[3] = 100
    assert path.read_bytes() == b"abcd" + CONTENT[4:]


def test_what_is_written_reaches_the_disk(path):
    m = MapFile(path)
    view = memoryview(m)
    view[0] = 255
    m.flush()
    with path.open("rb", buffering=0) as file:
        assert file.read(2) == b"\xff\1"
    view.release()
    m.close()


def test_a_file_grows_by_zeros_and_shrinks(path):
    path.write_bytes(b"9" + CONTENT[1:])
    with MapFile(path) as m:
        for length in (201, 10_000, 4096, 4097, 1, 200_000, 7):
            m.resize(length)
            assert (len(m), path.stat().st_size, len(memoryview(m))) == (length, length, length)
        # Bytes that were cut off do not return.
        assert bytes(m) == b"9" + bytes(6)
        m.resize(50)
        assert bytes(m) == b"9" + bytes(49)
        m.resize(50)
    assert path.stat().st_size == 50


def test_a_length_makes_a_file_longer_when_it_is_opened(path):
    with MapFile(path, 300) as m:
        assert bytes(m) == CONTENT + bytes(100)
    with MapFile(path, length=300) as m:
        assert len(m) == 300
    with pytest.raises(ValueError, match="has 300 bytes, which are more than the length"):
        MapFile(path, 299)
    assert path.read_bytes() == CONTENT + bytes(100)


def test_views_keep_the_file_from_being_resized_and_closed(path):
    m = MapFile(path)
    views = [memoryview(m), np.asarray(m)]
    for length in (1, 200, 5000):
        with pytest.raises(BufferError, match="^cannot resize: 2 writable views are alive"):
            m.resize(length)
    with pytest.raises(BufferError, match="^cannot close: 2 writable views are alive"):
        m.close()
    assert (path.read_bytes(), views[0].tobytes(), m.closed) == (CONTENT, CONTENT, False)
    views.clear()
    m.resize(5000)
    m.close()


def test_a_scoped_view_ends_with_its_block(path):
    with MapFile(path) as m:
        with m.view(10, 20) as v:
            assert v.tobytes() == CONTENT[10:30]
            v[0] = 0
            with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
                m.resize(400)
        m.resize(400)
        with pytest.raises(ValueError, match="released"):
            v[0]
        for arguments, expected in [((), 400), ((390,), 10), ((400,), 0), ((0, 0), 0), ((0, 400), 400)]:
            with m.view(*arguments) as v:
                assert len(v) == expected
        with m.view(length=5, offset=10) as v:
            assert v.tobytes() == b"\0" + CONTENT[11:15]
    assert path.read_bytes()[10] == 0


def test_a_scoped_view_shows_the_length_that_the_file_has_when_its_block_begins(path):
    with MapFile(path) as m:
        everything, tail, part = m.view(), m.view(190), m.view(190, 10)
        for length in (200, 400, 200_000, 200, 195, 190):
            m.resize(length)
            with everything as v, tail as t:
                assert (len(v), len(t)) == (length, length - 190)
            if length < 200:
                left = length - 190
                text = f"length is 10, but from offset 190 on there are {left} of {length} bytes"
                with pytest.raises(ValueError, match=text):
                    part.__enter__()
            else:
                with part as p:
                    assert p.tobytes() == CONTENT[190:]
        m.resize(189)
        with pytest.raises(ValueError, match="offset is 190, but there are 189 bytes; it must be at most 189"):
            tail.__enter__()
        with everything as v:
            assert v.tobytes() == CONTENT[:189]


def test_what_outlives_its_block_is_reported_and_unlocks_in_the_end(path):
    m = MapFile(path)
    with pytest.raises(BufferError, match="at the end of its block") as refusal:
        with m.view(0, 8) as v:
            array = np.frombuffer(v, "<u4")
    del refusal
    with pytest.raises(BufferError, match="1 writable view is alive"):
        m.resize(8)
    assert array.tobytes() == CONTENT[:8]
    del array
    m.resize(8)
    m.close()


PLACES = [
    ((201,), "offset is 201, but there are 200 bytes; it must be at most 200"),
    ((201, 0), "offset is 201, but there are 200 bytes; it must be at most 200"),
    ((0, 201), "length is 201, but from offset 0 on there are 200 of 200 bytes"),
    ((199, 2), "length is 2, but from offset 199 on there are 1 of 200 bytes"),
    ((2**63 - 1, 2**63 - 1), f"offset is {2**63 - 1}, but there are 200 bytes; it must be at most 200"),
    ((-1,), "offset must be at least 0, not -1"),
    ((0, -1), "length must be at least 0, not -1"),
    ((2**63,), "offset is too large for any file"),
    ((0, 2**64), "length is too large for any file"),
    ((-(2**64), 1), "offset must be at least 0"),
]


@pytest.mark.parametrize(("arguments", "text"), PLACES, ids=[str(arguments) for arguments, _ in PLACES])
def test_a_place_that_is_not_there(path, arguments, text):
    with MapFile(path) as m:
        with pytest.raises(ValueError) as refusal:
            m.view(*arguments)
        assert str(refusal.value) == text
        m.resize(300)
    assert path.read_bytes()[:200] == CONTENT


@pytest.mark.parametrize("length", [0, -1, -(2**62), -(2**64), 2**63, 2**64])
def test_a_length_that_no_file_has(path, length):
    empty = path.with_name("empty")
    empty.touch()
    with MapFile(path) as m:
        for refused in (lambda: m.resize(length), lambda: MapFile(empty, length)):
            with pytest.raises(ValueError, match="length (must be at least 1|is too large for any file)"):
                refused()
        assert bytes(m) == CONTENT
    assert (path.read_bytes(), empty.stat().st_size) == (CONTENT, 0)


@pytest.mark.parametrize("length", [None, 1.5, "3", [3]])
def test_a_length_of_another_type(path, length):
    with MapFile(path) as m, pytest.raises(TypeError, match="length must be an integer, not"):
        m.resize(length)
    assert path.read_bytes() == CONTENT


@linux
@pytest.mark.parametrize("length", [2**48, 2**62, 2**63 - 1])
def test_a_length_that_no_disk_has(path, length):
    empty = path.with_name("empty")
    empty.touch()
    with MapFile(path) as m:
        for refused, of in ((lambda: m.resize(length), path), (lambda: MapFile(empty, length), empty)):
            with pytest.raises(OSError) as refusal:
                refused()
            assert refusal.value.errno in (errno.ENOSPC, errno.EFBIG)
            assert refusal.value.filename == str(of)
        assert (bytes(m), len(m)) == (CONTENT, 200)
        m.resize(201)
    assert (path.read_bytes(), empty.stat().st_size) == (CONTENT + b"\0", 0)


@linux
def test_a_file_that_grew_has_room_on_the_disk(path):
    with MapFile(path) as m:
        m.resize(10 * 2**20)
    assert path.stat().st_blocks * 512 >= 10 * 2**20


@linux
def test_a_limit_of_the_process_is_an_exception():
    script = """
import resource, signal, sys
from mapfile import MapFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
m = MapFile(sys.argv[1])
try:
    m.resize(8193)
except OSError as error:
    print(error.errno, len(m), bytes(m) == bytes(range(200)))
m.resize(8192)
"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(CONTENT)
        file.flush()
        done = subprocess.run([sys.executable, "-c", script, file.name], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{errno.EFBIG} 200 True\n", "")
        assert os.path.getsize(file.name) == 8192


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be truncated there")
def test_a_file_that_somebody_else_cuts_is_noticed_at_the_next_occasion(path):
    m = MapFile(path)
    header = m.header(0)
    subprocess.run([sys.executable, "-c", "import os, sys; os.truncate(sys.argv[1], 50)", path], check=True, timeout=60)
    occasions = [
        lambda: m.view(0, 10),
        lambda: m.resize(400),
        lambda: m.resize(10),
        lambda: memoryview(m),
        lambda: np.asarray(m),
        lambda: header.step,
        lambda: memoryview(header),
    ]
    for occasion in occasions:
        with pytest.raises(OSError, match="has 50 bytes, but 200 are mapped: somebody has made it shorter; close it"):
            occasion()
    assert (path.read_bytes(), len(m)) == (CONTENT[:50], 200)
    m.close()
    with MapFile(path) as m:
        assert bytes(m) == CONTENT[:50]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be truncated there")
def test_a_cut_is_noticed_beside_a_view_that_is_alive(path):
    m = MapFile(path)
    held, header = memoryview(m), m.header(0)
    os.truncate(path, 50)
    for occasion in (lambda: m.view(0, 10), lambda: memoryview(header), lambda: header.step):
        with pytest.raises(OSError, match="somebody has made it shorter"):
            occasion()
    held.release()
    m.close()


def test_what_another_mapping_has_added_is_not_cut_off(path):
    with MapFile(path) as m, MapFile(path) as other:
        other.resize(1000)
        for length in (10, 500, 2000):
            with pytest.raises(OSError, match="has 1000 bytes, but 200 are mapped: somebody has made it longer"):
                m.resize(length)
        assert path.stat().st_size == 1000


def test_a_file_that_keeps_its_headers_is_collected(path):
    class Kept(MapFile):
        pass

    kept = Kept(path)
    kept.header_of_its_own = kept.header(0)
    kept.view_of_it = memoryview(kept.header_of_its_own)
    gone = weakref.ref(kept)
    del kept
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be changed there")
def test_a_file_that_somebody_else_changes_shows_it(path):
    with MapFile(path) as m, m.view(0, 4) as v:
        with path.open("r+b") as file:
            file.write(b"ABCD")
        assert v.tobytes() == b"ABCD"
        with path.open("ab") as file:
            file.write(b"more")
        assert len(m) == 200
    with MapFile(path) as m:
        m.resize(len(m))
        assert (len(m), bytes(m)[-4:]) == (204, b"more")


def test_a_closed_file_says_so(path):
    m = MapFile(path)
    m.close()
    m.close()
    assert (m.closed, len(m)) == (True, 0)
    for refused, kind in [
        (lambda: memoryview(m), BufferError),
        (lambda: m.view(), BufferError),
        (lambda: m.resize(10), BufferError),
        (lambda: m.flush(), ValueError),
        (lambda: m.header(0), ValueError),
        (lambda: m.header(1000), ValueError),
        (lambda: m.__enter__(), ValueError),
    ]:
        with pytest.raises(kind, match="is closed"):
            refused()
    assert path.read_bytes() == CONTENT


def test_the_block_of_a_file_closes_it_and_keeps_what_was_raised(path):
    with pytest.raises(KeyError, match="mine"):
        with MapFile(path) as m:
            m.resize(300)
            raise KeyError("mine")
    assert m.closed

    with pytest.raises(BufferError, match="cannot close: 1 writable view is alive") as refusal:
        with MapFile(path) as m:
            view = memoryview(m)
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    view.release()
    m.close()


@linux
def test_no_file_stays_open(path):
    def open_files():
        return len(os.listdir("/proc/self/fd"))

    def mappings():
        with open("/proc/self/maps", encoding="utf-8") as file:
            return sum(str(path) in line for line in file)

    # Earlier tests may have left files that only the garbage collector closes.
    gc.collect()
    before = open_files()
    for _ in range(50):
        m = MapFile(path)
        m.resize(5000)
        m.resize(200)
        m.close()
        m = MapFile(path)
        view = memoryview(m)
        del m
        assert view[5] == 5
        del view
    gc.collect()
    assert (open_files(), mappings()) == (before, 0)


def test_a_view_outlives_the_object(path):
    view = memoryview(MapFile(path))
    gc.collect()
    assert view.tobytes() == CONTENT


def test_threads_resize_view_and_flush_one_file(path):
    m = MapFile(path)
    wrong = []

    def work(number):
        for step in range(100):
            try:
                if number == 0:
                    m.resize(200 + step)
                elif number == 1:
                    m.flush()
                else:
                    with m.view(0, 100) as v:
                        if v.tobytes() != CONTENT[:100]:
                            wrong.append(step)
            except BufferError:
                pass
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    m.resize(200)
    assert bytes(m) == CONTENT
    m.close()
