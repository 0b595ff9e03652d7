"""Other storages: read-only if shared, with layouts of their own, freed once, after the last view."""

import ctypes
import gc
import io
import sys
import threading
import weakref

import apart
import numpy as np
import pytest
from buffer_tests_ext import layouts
from messages import HINT
from pybuffer import FULL, FULL_RO, SIMPLE, WRITABLE, View

FLOATS = np.arange(1, 7, dtype=np.float32)
CONTENT = FLOATS.tobytes()

READ_ONLY = [
    layouts.SharedSlice,
    layouts.SharedVec,
    layouts.StaticSlice,
    layouts.FrozenSlice,
    layouts.SharedBytes,
    layouts.ReadOnlyForeign,
    layouts.ReadOnlyShared,
    layouts.SharedTable,
    layouts.SharedDoubles,
    layouts.SharedUndecided,
]
WRITABLE_ONES = [layouts.Aligned, layouts.Inline, layouts.Spilled, layouts.Foreign]

read_only_ones = pytest.mark.parametrize("make", READ_ONLY)
writable_ones = pytest.mark.parametrize("make", WRITABLE_ONES)
all_of_them = pytest.mark.parametrize("make", READ_ONLY + WRITABLE_ONES)


@pytest.fixture
def allocations():
    """Counts the allocations of foreign memory. All allocations that a test makes must be freed at its end."""
    gc.collect()
    before = layouts.foreign_allocations()
    yield lambda: layouts.foreign_allocations() - before
    gc.collect()
    assert layouts.foreign_allocations() == before


@all_of_them
@pytest.mark.parametrize("content", [CONTENT, CONTENT[:8], b""], ids=["six", "two", "none"])
def test_a_view_shows_the_elements(make, content, allocations):
    m = make(content)
    with memoryview(m) as view:
        assert view.tobytes() == content == bytes(m)
        assert view.readonly == (make in READ_ONLY)
    array = np.asarray(m)
    assert array.tobytes() == content
    assert array.flags.writeable == (make not in READ_ONLY)


@pytest.mark.parametrize(
    "make, format, shape",
    [
        (layouts.SharedSlice, "f", (6,)),
        (layouts.SharedBytes, "B", (24,)),
        (layouts.SharedTable, "f", (2, 3)),
        (layouts.SharedDoubles, "d", (3,)),
        (layouts.Aligned, "f", (6,)),
        (layouts.Inline, "f", (6,)),
        (layouts.Foreign, "f", (6,)),
    ],
)
def test_formats_and_shapes(make, format, shape):
    view = memoryview(make(CONTENT))
    assert (view.format, view.shape) == (format, shape)


@read_only_ones
def test_what_others_share_is_not_written(make):
    m = make(CONTENT)
    for flags in (WRITABLE, FULL):
        with pytest.raises(BufferError, match="cannot grant a writable view: the buffer is read-only"):
            View(m, flags)
    assert m.views() == 0
    with pytest.raises(TypeError):
        memoryview(m)[0] = 1
    with pytest.raises(TypeError):
        io.BytesIO(bytes(24)).readinto(m)
    with pytest.raises(TypeError):
        (ctypes.c_char * 24).from_buffer(m)
    with pytest.raises(ValueError):
        np.asarray(m).setflags(write=True)
    assert bytes(m) == CONTENT
    for flags in (SIMPLE, FULL_RO):
        with View(m, flags) as view:
            assert view.answer().readonly == 1


@read_only_ones
def test_rust_reads_beside_any_view_of_what_is_shared(make):
    m = make(CONTENT)
    expected = m.read()
    with memoryview(m), memoryview(m):
        assert m.read() == expected


@writable_ones
def test_what_one_storage_owns_is_written_in_place(make, allocations):
    m = make(CONTENT)
    np.asarray(m)[1] = 20
    assert m.read() == [1, 20, 3, 4, 5, 6]
    with memoryview(m), pytest.raises(BufferError, match="cannot read: 1 writable view is alive"):
        m.read()


def test_bools_that_nobody_can_write():
    array = np.asarray(layouts.SharedTruths(b"\0\1\1"))
    assert (array.dtype, array.tolist(), array.flags.writeable) == (np.bool_, [False, True, True], False)


@all_of_them
def test_under_a_view_the_storage_stays(make, allocations):
    m = make(CONTENT)
    kind = "read-only" if make in READ_ONLY else "writable"
    write = "borrow for writing" if make is layouts.Foreign else "resize"
    hint = ", or change values in place through `share`"
    if make in READ_ONLY:
        write, hint = "replace the storage", ""
    with memoryview(m) as view:
        for change, attempt, pointer in ((lambda: m.replace(b""), write, hint), (m.close, "close", "")):
            with pytest.raises(BufferError) as refusal:
                change()
            remedy = "release or delete every view first"
            assert str(refusal.value) == f"cannot {attempt}: 1 {kind} view is alive; {remedy}{pointer}{HINT}"
        assert view.tobytes() == CONTENT
    m.replace(CONTENT[:16])
    assert bytes(m) == CONTENT[:16]
    m.close()
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        memoryview(m)


@all_of_them
def test_views_outlive_their_object(make, allocations):
    m = make(CONTENT)
    array = np.asarray(m)
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert dead() is not None
    assert array.tobytes() == CONTENT
    del array
    gc.collect()
    assert dead() is None


@pytest.mark.parametrize("make", [layouts.Foreign, layouts.ReadOnlyForeign])
def test_foreign_memory_is_freed_once_after_the_last_view(make, allocations):
    m = make(CONTENT)
    assert allocations() == 1
    arrays = [np.asarray(m)[2:], np.asarray(m)]
    del m
    while arrays:
        gc.collect()
        assert allocations() == 1
        assert arrays.pop().tobytes() in (CONTENT, CONTENT[8:])
    assert allocations() == 0


@pytest.mark.parametrize("make", [layouts.Foreign, layouts.ReadOnlyForeign])
def test_foreign_memory_is_freed_on_any_thread(make, allocations):
    held = [np.asarray(make(CONTENT))]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join(60)
    assert allocations() == 0


def test_foreign_memory_that_is_replaced_or_closed_is_freed_at_once(allocations):
    m = layouts.Foreign(CONTENT)
    m.replace(CONTENT * 2)
    assert allocations() == 1
    m.close()
    assert allocations() == 0


@pytest.mark.parametrize(
    "address, length, error, problem",
    [
        (0, 3, MemoryError, "the pointer to 3 elements is null"),
        (0, 2**61, MemoryError, "2305843009213693952 elements of 8 bytes are more than memory can have"),
        (8, 2**60, MemoryError, "more than memory can have"),
        (12, 1, BufferError, "the pointer 0xc is not aligned to the 8 bytes that its elements need"),
        (12, 0, BufferError, "the pointer 0xc is not aligned"),
    ],
)
def test_impossible_foreign_memory_is_refused(address, length, error, problem):
    with pytest.raises(error, match=problem):
        layouts.refuse_foreign(address, length)


def test_an_inline_vector_stays_where_its_block_is():
    small, spilled = layouts.Inline(CONTENT), layouts.Inline(CONTENT * 10)
    with View(small, FULL) as one, View(small, FULL) as other:
        assert one.answer().buf == other.answer().buf
    small.replace(CONTENT * 10)
    assert bytes(small) == bytes(spilled)
    small.replace(CONTENT[:4])
    assert np.asarray(small).tolist() == [1]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mapped"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("make", [layouts.Mapped, layouts.WritableMapped])
def test_a_mapping_shows_its_file(make, path, tmp_path):
    m = make(str(path))
    with memoryview(m) as view:
        assert (view.tobytes(), view.format, view.shape) == (CONTENT, "B", (24,))
        assert view.readonly == (make is layouts.Mapped)
        with pytest.raises(BufferError) as refusal:
            m.replace(str(path))
        # Only a storage that Rust may write can be shared.
        attempt, kind, hint = (
            ("replace the storage", "read-only", "")
            if view.readonly
            else ("borrow for writing", "writable", ", or change values in place through `share`")
        )
        remedy = "release or delete every view first"
        assert str(refusal.value) == f"cannot {attempt}: 1 {kind} view is alive; {remedy}{hint}{HINT}"
    longer = tmp_path / "longer"
    longer.write_bytes(CONTENT * 1000)
    m.replace(str(longer))
    array = np.asarray(m)
    del m
    gc.collect()
    assert array.tobytes() == CONTENT * 1000


def test_writing_a_mapping_writes_its_file(path):
    np.asarray(layouts.WritableMapped(str(path))).view(np.float32)[0] = 100
    gc.collect()
    assert np.frombuffer(path.read_bytes(), np.float32).tolist() == [100, 2, 3, 4, 5, 6]


# The layout that a storage declares is checked against its memory.


@pytest.mark.parametrize(
    "offset, axes, problem",
    [
        (0, [(7, 4)], "reach from byte 0 to byte 28 of a storage that has 24 bytes"),
        (0, [(2, -4)], "reach from byte -4 to byte 4"),
        (24, [(1, 4)], "reach from byte 24 to byte 28"),
        (25, [], "offset of 25 bytes is outside"),
        (0, [(2, sys.maxsize)], "more bytes than memory can have|reach"),
        (0, [(2**63, 0)], "more bytes than memory"),
        (2**64 - 1, [], "more bytes than memory"),
        (0, [(1, 4)] * 65, "65 dimensions"),
    ],
)
def test_a_layout_outside_the_memory_is_refused(offset, axes, problem):
    m = layouts.OfTold(6, offset, axes)
    for _ in range(2):
        with pytest.raises(BufferError, match=problem):
            memoryview(m)
    assert m.views() == 0


def test_a_layout_inside_the_memory_is_granted():
    assert memoryview(layouts.OfTold(6, 20, [(3, -8)])).tolist() == [5, 3, 1]
    assert np.asarray(layouts.OfTold(6, 0, [(2, 12), (3, 4)])).tolist() == [[0, 1, 2], [3, 4, 5]]
    repeated = memoryview(layouts.OfTold(1, 0, [(3, 0)]))
    assert (repeated.tolist(), repeated.readonly) == ([0, 0, 0], True)


def test_a_fault_in_a_file_that_was_made_shorter_ends_the_process():
    # As documented, neither Rust nor Python can catch this fault.
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems end a process in other ways")
    apart.run(
        """
import os, signal, subprocess, sys, tempfile
with tempfile.NamedTemporaryFile() as file:
    file.write(bytes(20000))
    file.flush()
    script = '''
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from buffer_tests_ext import layouts
view = memoryview(layouts.Mapped(sys.argv[1]))
os.truncate(sys.argv[1], 0)
view[10000]
'''
    done = subprocess.run([sys.executable, "-c", script, file.name])
    assert done.returncode == -signal.SIGBUS, done
"""
    )
