"""Headers: records at any offset of a mapped file."""

import struct
import weakref

import numpy as np
import pytest
from mapfile import Header, MapFile

LAYOUT = "<4sIQ"
DTYPE = np.dtype([("magic", "S4"), ("step", "<u4"), ("length", "<u8")])


@pytest.fixture
def m(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    with MapFile(path) as file:
        yield file


@pytest.mark.parametrize("offset", [0, 1, 16, 84])
def test_a_header_is_its_bytes_in_the_file(m, offset):
    header = m.header(offset)
    assert (header.offset, header.magic, header.step, header.length) == (offset, bytes(4), 0, 0)
    header.magic, header.step, header.length = b"PAGE", 2**32 - 1, 2**64 - 2
    packed = struct.pack(LAYOUT, b"PAGE", 2**32 - 1, 2**64 - 2)
    assert bytes(m) == bytes(offset) + packed + bytes(84 - offset)
    assert (header.magic, header.step, header.length) == (b"PAGE", 2**32 - 1, 2**64 - 2)
    assert repr(header) == f"<Header at {offset}: step {2**32 - 1}, length {2**64 - 2}>"


def test_attributes_keep_no_view(m):
    header = m.header(0)
    header.step += 1
    m.resize(300)
    header.step += 1
    with memoryview(m):
        # Views do not prevent writing attributes either.
        header.step += 1
    assert header.step == 3


def test_numpy_reads_and_writes_a_record(m):
    header = m.header(8)
    record = np.asarray(header)
    assert (record.dtype, record.shape) == (DTYPE, ())
    record["magic"], record["step"], record["length"] = b"np", 7, 8
    assert (header.magic, header.step, header.length) == (b"np\0\0", 7, 8)
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.resize(50)
    del record
    m.resize(50)


def test_a_scoped_view_of_a_record(m):
    with m.header(4).view() as v:
        assert (v.itemsize, v.shape, v.nbytes) == (16, (), 16)
        struct.pack_into(LAYOUT, v, 0, b"pack", 5, 6)
        assert struct.unpack_from(LAYOUT, v) == (b"pack", 5, 6)
        np.asarray(v)["length"] = 9
    m.resize(30)
    header = m.header(4)
    assert (header.magic, header.step, header.length) == (b"pack", 5, 9)
    with pytest.raises(BufferError, match="at the end of its block"):
        with header.view() as v:
            record = np.asarray(v)
    assert record["step"] == 5


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (85, "offset is 85, but there are 100 bytes, and a header takes 16"),
        (2**63 - 1, f"offset is {2**63 - 1}, but there are 100 bytes, and a header takes 16"),
        (-1, "offset must be at least 0, not -1"),
        (2**63, "offset is too large for any file"),
    ],
)
def test_a_header_that_does_not_end_inside_the_file(m, offset, text):
    with pytest.raises(ValueError) as refusal:
        m.header(offset)
    assert str(refusal.value) == text


def test_a_header_that_the_file_has_lost(m):
    header = m.header(80)
    m.resize(95)
    for lost in (lambda: header.step, lambda: setattr(header, "step", 1)):
        with pytest.raises(ValueError, match="the header ends at byte 96, but by now there are 95 bytes"):
            lost()
    for lost in (lambda: memoryview(header), lambda: np.asarray(header)):
        with pytest.raises(BufferError, match="96"):
            lost()
    assert repr(header) == "<Header at 80, which cannot be read>"
    m.resize(96)
    assert header.step == 0
    m.close()
    assert repr(header) == "<Header at 80, which cannot be read>"


def test_values_that_do_not_fit(m):
    header = m.header(0)
    step_range, length_range = (f"must be at least 0 and at most {2**bits - 1}" for bits in (32, 64))
    for name, value, kind, text in [
        ("magic", b"five5", ValueError, "must be 4 bytes, not 5"),
        ("magic", b"", ValueError, "must be 4 bytes, not 0"),
        ("magic", "text", TypeError, "must be bytes, not str"),
        ("magic", bytearray(4), TypeError, "must be bytes, not bytearray"),
        ("step", -1, OverflowError, step_range),
        ("step", 2**32, OverflowError, step_range),
        ("step", 2**64, OverflowError, step_range),
        ("step", -(10**5000), OverflowError, step_range),
        ("step", None, TypeError, "must be an integer, not NoneType"),
        ("length", -1, OverflowError, length_range),
        ("length", 2**64, OverflowError, length_range),
        ("length", 1.5, TypeError, "must be an integer, not float"),
    ]:
        with pytest.raises(kind) as refusal:
            setattr(header, name, value)
        assert str(refusal.value) == f"{name} {text}"
    assert bytes(m) == bytes(100)
    with pytest.raises(AttributeError):
        header.offset = 3


def test_a_header_keeps_its_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(16))
    file = MapFile(path)
    gone = weakref.ref(file)
    header = file.header(0)
    del file
    header.step = 3
    assert gone().closed is False
    gone().close()
    for refused in (lambda: header.step, lambda: memoryview(header)):
        with pytest.raises(BufferError, match="it is closed"):
            refused()
    assert struct.unpack(LAYOUT, path.read_bytes())[1] == 3


def test_headers_are_made_by_files_alone():
    with pytest.raises(TypeError):
        Header()
