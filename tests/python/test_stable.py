"""Stable views: what they exclude, which exporters may promise them, and which only pretend to."""

import array
import builtins
import ctypes
import gc
import sys
import threading

import apart
import numpy as np
import pytest
from buffer_tests_ext import consumer, edges, layouts
from buffer_tests_ext.edges import Series
from pybuffer import (
    C_CONTIGUOUS,
    F_CONTIGUOUS,
    FORMAT,
    FULL_RO,
    INDIRECT,
    ND,
    READ,
    SIMPLE,
    STABLE,
    STRIDES,
    WRITABLE,
    WRITE,
    View,
    ask,
)

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code reaches the slots from 3.12 on")

VALUES = [1.0, 2.0, 3.0]
ALIVE = "1 stable view is alive; release or delete every view first"


def under(m, kind):
    """A context in which another thread holds a Rust guard."""

    class Guard:
        def __enter__(self):
            begun = threading.Event()
            self.thread = threading.Thread(target=m.hold_until_stopped, args=(kind, begun.set))
            self.thread.start()
            assert begun.wait(10)

        def __exit__(self, *exception):
            m.stop()
            self.thread.join()

    return Guard()


def held(m, kind):
    """Holds what a row of the table names."""
    return {
        "stable view": lambda: View(m, FULL_RO | STABLE),
        "writable view": lambda: View(m, FULL_RO | WRITABLE),
        "view": lambda: View(m, FULL_RO),
        "array": lambda: memoryview(np.asarray(m)),
        "read": lambda: under(m, "read"),
        "share": lambda: under(m, "share"),
        "write": lambda: under(m, "write"),
    }[kind]()


# For each view or guard that is held: which others are granted beside it.
GRANTED = {
    ("stable view", "stable view"),
    ("stable view", "view"),
    ("stable view", "array"),
    ("stable view", "read"),
    ("read", "stable view"),
}
OTHERS = ["stable view", "writable view", "view", "array", "read", "share", "write"]


@pytest.mark.parametrize("other", OTHERS)
def test_what_a_stable_view_admits(other):
    m = Series(VALUES)
    with held(m, "stable view"):
        if ("stable view", other) in GRANTED:
            with held(m, other):
                assert m.views() == (1 if other == "read" else 2)
        elif other in ("share", "write"):
            with pytest.raises(BufferError, match=ALIVE):
                m.call_under(other, lambda: None)
        else:
            with pytest.raises(BufferError, match=f"cannot grant a writable view: {ALIVE}"):
                held(m, other)
        with pytest.raises(BufferError, match=f"cannot resize: {ALIVE}"):
            m.append(4.0)
        with pytest.raises(BufferError, match=f"cannot close: {ALIVE}"):
            m.close()
    assert m.views() == 0
    m.append(4.0)


@pytest.mark.parametrize("other", OTHERS)
def test_what_admits_a_stable_view(other):
    m = Series(VALUES)
    with held(m, other):
        if other in ("stable view", "read"):
            with held(m, "stable view"):
                pass
        else:
            reason = {"share": "1 share guard", "write": "Rust is changing it"}.get(other, "1 writable view")
            with pytest.raises(BufferError, match=f"cannot grant a stable view: {reason}"):
                held(m, "stable view")
    assert m.views() == 0
    with held(m, "stable view"):
        assert m.views() == 1


def test_views_beside_a_stable_one_are_read_only():
    m = Series(VALUES)
    with held(m, "stable view"):
        view = memoryview(m)
        assert view.readonly
        a = np.asarray(m)
        assert not a.flags.writeable
        with pytest.raises(ValueError):
            a[0] = 7
    # The view and the array are read-only as long as they live, so they prevent no stable view.
    with held(m, "stable view"):
        assert view.tolist() == a.tolist() == VALUES
    del view, a
    gc.collect()
    assert not memoryview(m).readonly


def test_the_message_tells_stable_views_from_guards():
    m = Series(VALUES)
    with held(m, "stable view"), held(m, "stable view"):
        with pytest.raises(BufferError, match="2 stable views are alive; release"):
            m.append(4.0)
        assert m.why_not_write() == (2, False)
        with under(m, "read"), pytest.raises(BufferError) as refusal:
            m.append(4.0)
    text = (
        "cannot resize: 2 stable views are alive, and 1 read guard is alive in Rust; release or delete every view first"
    )
    assert str(refusal.value).startswith(text)


@pytest.mark.parametrize("bits", [WRITABLE, 0x002, WRITE, 0x800, 0x10000, READ, FULL_RO | WRITABLE, FULL_RO | 0x002])
@pytest.mark.parametrize("make", [Series, edges.Owner, edges.ReadOnlyOwner, lambda values: edges.Several().values])
def test_malformed_requests(make, bits):
    m = make([1, 2, 3])
    with pytest.raises(ValueError, match="PyBUF_STABLE_READ has no meaning together with"):
        View(m, STABLE | bits)
    # Without that bit, the others have their usual meaning.
    if bits not in (READ, WRITE) and not (make is edges.ReadOnlyOwner and bits & WRITABLE):
        View(m, bits).release()


CLASSES = {
    "frozen": lambda: Series(VALUES),
    "ordinary": lambda: edges.Owner([1, 2, 3]),
    "read-only": lambda: edges.ReadOnlyOwner([1, 2, 3]),
    "shaped": lambda: edges.Shaped([1, 2, 3, 4]),
    "rows": lambda: edges.Several().rows,
    "property": lambda: edges.Several().values,
    "other property": lambda: edges.Several().matrix,
    "computed property": lambda: edges.Several().dyn,
    "part": lambda: edges.Several().first_values(2),
    "part of a class": lambda: edges.Evens(edges.Whole(), False),
}


@pytest.mark.parametrize("make", CLASSES.values(), ids=CLASSES.keys())
@pytest.mark.parametrize("flags", [SIMPLE, ND, STRIDES, C_CONTIGUOUS, F_CONTIGUOUS, INDIRECT, FULL_RO, ND | FORMAT])
def test_a_stable_view_shows_what_an_ordinary_one_does(make, flags):
    m = make()
    ordinary = ask(m, flags)
    stable = ask(m, flags | STABLE)
    assert (stable is None) == (ordinary is None)
    if stable:
        assert stable == ordinary._replace(readonly=1)
        with View(m, flags | STABLE), View(m, flags | STABLE) as second:
            assert second.answer() == stable
    # Neither a granted nor a refused request leaves anything behind.
    with memoryview(m) as view:
        assert view.readonly == bool(ask(m, FULL_RO).readonly)


def test_a_part_excludes_writers_of_the_whole():
    m = edges.Several()
    part = m.first_values(2)
    with View(part, FULL_RO | STABLE):
        assert memoryview(m).readonly
        with pytest.raises(BufferError, match=ALIVE):
            m.grow_values()
        # Each field has a lock of its own.
        assert not memoryview(m.matrix).readonly
    m.grow_values()
    with View(part, FULL_RO) as view:
        assert not view.answer().readonly
    m.grow_values()


def test_what_a_stable_view_of_a_part_leaves_serves_ordinary_ones():
    m = edges.Several()
    part = m.sealed_part()
    for flags in (FULL_RO | STABLE, FULL_RO, FULL_RO, FULL_RO | STABLE, FULL_RO):
        with View(part, flags):
            access = "stable view" if flags & STABLE else "read-only view"
            assert [holder["access"] for holder in part.holders()] == [access]
        assert part.holders() == []


def test_the_last_view_of_a_dead_object_may_be_a_stable_one(storages):
    m = layouts.Base(np.float32([1, 2]).tobytes(), 1)
    views = [View(m, FULL_RO | STABLE), View(m, FULL_RO | STABLE)]
    content = views[0].answer().content
    replaced = layouts.Base(b"", 1)
    del m
    gc.collect()
    assert views[1].answer().content == content
    for view in views:
        view.release()
    del replaced
    gc.collect()
    assert storages() == 0


@pytest.mark.parametrize("make", [layouts.Foreign, layouts.ReadOnlyForeign])
def test_memory_of_others_is_not_stable(make):
    m = make(np.float32([1, 2, 3]).tobytes())
    with pytest.raises(
        BufferError, match="cannot grant a stable view: code that this exporter does not know may write"
    ):
        View(m, FULL_RO | STABLE)
    with pytest.raises(BufferError, match="may write the memory"):
        consumer.stable("f32", m)
    assert m.views() == 0


@pytest.mark.parametrize(
    "make",
    [
        layouts.SharedSlice,
        layouts.SharedVec,
        layouts.StaticSlice,
        layouts.FrozenSlice,
        layouts.Inline,
        layouts.Spilled,
        layouts.ReadOnlyShared,
        layouts.PromisedForeign,
    ],
)
def test_memory_of_one_owner_is_stable(make):
    m = make(np.float32([1, 2, 3, 4, 5, 6]).tobytes())
    assert consumer.stable("f32", m) == ([6], [1, 2, 3, 4, 5, 6])
    assert m.views() == 0


def test_a_mapped_file_is_not_stable(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    for make in (layouts.Mapped, layouts.WritableMapped):
        with pytest.raises(BufferError, match="may write the memory"):
            consumer.stable("u8", make(str(path)))


def test_a_conflict_is_the_class_of_the_draft_where_there_is_one(monkeypatch):
    class BufferConflictError(BufferError):
        pass

    m = Series(VALUES)
    monkeypatch.setattr(builtins, "BufferConflictError", BufferConflictError, raising=False)
    with View(m, FULL_RO | STABLE):
        with pytest.raises(BufferConflictError, match="cannot grant a writable view"):
            View(m, WRITABLE)
    with memoryview(m), pytest.raises(BufferConflictError, match="cannot grant a stable view"):
        View(m, STABLE)
    # A class that does not derive from BufferError is not used.
    for other in (ValueError, 5, None):
        monkeypatch.setattr(builtins, "BufferConflictError", other)
        with memoryview(m), pytest.raises(BufferError, match="cannot grant a stable view"):
            View(m, STABLE)


# Rust as a consumer.


def test_a_slice_of_what_nobody_changes():
    m = Series(VALUES)
    assert consumer.stable("f64", m) == ([3], VALUES)
    assert consumer.stable("u8", b"bytes") == ([5], b"bytes")
    assert consumer.stable("f64", edges.Several().values) == ([3], VALUES)
    assert consumer.stable("f64", edges.Several().first_values(2)) == ([2], VALUES[:2])
    assert consumer.stable_address(b"bytes") == ctypes.cast(ctypes.c_char_p(b"bytes"), ctypes.c_void_p).value
    assert m.views() == 0


def test_memoryviews_of_what_does_not_change():
    content = bytes(range(12))
    for view in (memoryview(content), memoryview(content)[3:9], memoryview(content).cast("B", (3, 4))):
        assert consumer.stable("u8", view) == ([*view.shape], view.tobytes())
    m = edges.ReadOnlyOwner([1, 2, 3])
    with memoryview(m) as view:
        assert consumer.stable("i32", view) == ([3], [1, 2, 3])
        assert consumer.stable("i32", view[1:]) == ([2], [2, 3])
        assert m.views() == 1
    with pytest.raises(BufferError, match="one after the other, in C order"):
        consumer.stable("u8", memoryview(content)[::2])


def test_a_memoryview_of_memory_that_its_object_no_longer_has():
    """The object promises nothing about it."""
    m, other = edges.ReadOnlyOwner([1, 2, 3]), edges.ReadOnlyOwner([4, 5, 6])
    with memoryview(m) as view:
        edges.swap(m, other)
        with pytest.raises(BufferError, match="which this 'memoryview' cannot promise"):
            consumer.stable("i32", view)
        edges.replace(other, [7])
        with pytest.raises(BufferError, match="which this 'memoryview' cannot promise"):
            consumer.stable("i32", view)
        assert view.tolist() == [1, 2, 3]
    assert m.views() == 0
    edges.grow(m, 4)


def test_a_memoryview_that_may_write_is_in_its_own_way():
    m = Series(VALUES)
    with memoryview(m) as view:
        with pytest.raises(BufferError, match="cannot grant a stable view: 1 writable view is alive"):
            consumer.stable("f64", view)
        with pytest.raises(BufferError, match="cannot grant a stable view: 1 writable view is alive"):
            consumer.stable("f64", view.toreadonly())
    assert m.views() == 0


class SubBytes(bytes):
    pass


@pytest.mark.parametrize(
    "make",
    [
        bytearray,
        lambda content: array.array("B", content),
        np.array,
        lambda content: np.frombuffer(bytes(content), np.uint8),
        SubBytes,
        lambda content: memoryview(bytearray(content)),
        lambda content: memoryview(bytearray(content)).toreadonly(),
        lambda content: (ctypes.c_uint8 * 3)(*content),
    ],
    ids=["bytearray", "array", "ndarray", "ndarray of bytes", "subclass of bytes", "memoryview", "read-only", "ctypes"],
)
def test_who_cannot_promise_it(make):
    m = make([1, 2, 3])
    with pytest.raises(BufferError) as refusal:
        consumer.stable("u8", m)
    text = str(refusal.value)
    assert "expected memory that nobody changes, which this '" in text
    assert "; pass bytes(x), or let" in text
    assert "`StableOrCopy`" in text and "`BufferView`" in text


def test_a_refusal_says_what_is_accepted():
    x = np.array([1.0, 2.0])
    with pytest.raises(BufferError) as refusal:
        consumer.stable("f64", x)
    (_, advice) = str(refusal.value).split("; pass ")
    (call, _) = advice.split(", or let")
    assert call == "memoryview(bytes(x)).cast('d')"
    assert consumer.stable("f64", memoryview(bytes(x)).cast("d")) == ([2], [1.0, 2.0])


def test_no_buffer_at_all():
    for other in (5, None, [1.0], "text"):
        with pytest.raises(TypeError):
            consumer.stable("f64", other)


def test_borrowed_or_copied():
    m = Series(VALUES)
    assert consumer.stable_or_copy(m) == (VALUES, [3], True)
    for other in (np.array(VALUES), array.array("d", VALUES), np.array(VALUES)[::-1][::-1], memoryview(m)):
        assert consumer.stable_or_copy(other) == (VALUES, [3], False)
    assert consumer.stable_or_copy(np.array([VALUES, VALUES]).T)[:2] == ([1, 1, 2, 2, 3, 3], [3, 2])
    # Where a stable view is refused at present, a copy is made.
    with memoryview(m):
        assert consumer.stable_or_copy(m) == (VALUES, [3], False)
    for wrong in (b"12345678", np.float32(VALUES)):
        with pytest.raises(BufferError, match="expected items of format 'd'"):
            consumer.stable_or_copy(wrong)
    with pytest.raises(TypeError):
        consumer.stable_or_copy(VALUES)


class Plain(Series):
    __slots__ = ()


class WithCopy(Series):
    __slots__ = ()
    __stable_buffer__ = Series.__stable_buffer__


class Forged(bytearray):
    __stable_buffer__ = Series.__stable_buffer__


def test_subclasses_and_copied_declarations_do_not_pass():
    for make in (Plain, WithCopy):
        m = make(VALUES)
        with pytest.raises(BufferError, match=f"which this '{make.__name__}' cannot promise"):
            consumer.stable("f64", m)
        assert consumer.stable_or_copy(m) == (VALUES, [3], False)
    with pytest.raises(BufferError, match="which this 'Forged' cannot promise"):
        consumer.stable("u8", Forged(8))
    for other in (5, None, datetime_capsule()):
        WithOther = type("WithOther", (bytearray,), {"__stable_buffer__": other})
        with pytest.raises(BufferError, match="cannot promise"):
            consumer.stable("u8", WithOther(8))


def datetime_capsule():
    import datetime

    return datetime.datetime_CAPI


def test_an_object_that_changes_its_class():
    m = Series(VALUES)
    m.__class__ = Plain
    with pytest.raises(BufferError, match="cannot promise"):
        consumer.stable("f64", m)
    m.__class__ = Series
    assert consumer.stable("f64", m)[1] == VALUES
    # The class changes while the object is viewed. The view is released by the class that granted it.
    kept = consumer.Stable(m)
    m.__class__ = Plain
    with pytest.raises(BufferError, match=ALIVE):
        m.append(4.0)
    kept.release()
    m.append(4.0)


SCRIPT = """
from buffer_tests_ext import consumer
from buffer_tests_ext.edges import Series

m = Series([1.0, 2.0])
kept = consumer.Stable(m)
declared = Series.__stable_buffer__
original = Series.__buffer__
Series.__buffer__ = lambda self, flags: memoryview(bytearray(16))
for again in (declared, None):
    if again:
        Series.__stable_buffer__ = again
    try:
        consumer.stable("f64", m)
    except BufferError as refusal:
        assert "cannot promise" in str(refusal), refusal
    else:
        raise AssertionError("a class with another buffer passes for stable")
# The view that was there before ends all the same.
kept.release()
m.append(3.0)
Series.__buffer__ = original
assert consumer.stable("f64", m)[1] == [1.0, 2.0, 3.0]
"""


@since_312
def test_a_class_whose_buffer_python_code_has_replaced():
    apart.run(SCRIPT)


def test_a_view_that_ends_on_a_detached_thread():
    m = Series(VALUES)
    consumer.drop_elsewhere(m)
    assert m.views() == 0
    m.append(4.0)
    before = sys.getrefcount(m)
    consumer.drop_elsewhere(m)
    assert sys.getrefcount(m) == before


def test_a_view_that_never_ends():
    m = Series(VALUES)
    consumer.leak_stable(m)
    with pytest.raises(BufferError, match=ALIVE):
        m.append(4.0)
    assert np.asarray(m).tolist() == VALUES


def test_nobody_writes_what_a_detached_thread_reads():
    m = Series(VALUES * 100)
    kept = consumer.Stable(m)
    result = []
    reader = threading.Thread(target=lambda: result.append(kept.read_until_stopped()))
    reader.start()
    for _ in range(200):
        for refused in (lambda: m.append(4.0), lambda: m.set(0, 7.0), lambda: m.call_under("share", lambda: None)):
            with pytest.raises(BufferError, match=ALIVE):
                refused()
        with pytest.raises(BufferError, match=ALIVE):
            View(m, WRITABLE)
        a = np.asarray(m)
        assert not a.flags.writeable
        del a
    kept.stop()
    reader.join()
    assert result == [True]
    kept.release()
    m.append(4.0)


def test_the_object_dies_before_its_stable_view():
    m = Series(VALUES)
    kept = consumer.Stable(m)
    del m
    gc.collect()
    assert kept.items() == VALUES
    kept.release()


def test_the_declaration_is_a_capsule_that_python_cannot_make():
    capsule = Series.__dict__["__stable_buffer__"]
    assert type(capsule).__name__ == "PyCapsule" and "stable_buffer.v1" in repr(capsule)
    with pytest.raises(TypeError):
        type(capsule)()


def test_the_bytes_of_any_items():
    m = Series(VALUES)
    assert consumer.stable_bytes(m) == (np.array(VALUES).tobytes(), True)
    assert consumer.stable_bytes(b"bytes") == (b"bytes", True)
    assert consumer.stable_bytes(np.array(VALUES)) == (np.array(VALUES).tobytes(), False)
    assert consumer.stable_bytes(np.int16([[1, 2], [3, 4]]).T) == (np.int16([1, 3, 2, 4]).tobytes(), False)
    # A Fortran array of the class cannot be borrowed as a slice in C order.
    assert consumer.stable_bytes(edges.Several().matrix) == (memoryview(edges.Several().matrix).tobytes(), False)
    for other in ([1, 2], 5, None):
        with pytest.raises(TypeError, match="bytes-like object is required"):
            consumer.stable_bytes(other)


def test_a_cycle_through_a_stable_view_is_collected():
    class Holder(Series):
        pass

    m = Series(VALUES)
    with pytest.raises(BufferError, match="cannot promise"):
        consumer.Stable(Holder(VALUES))
    kept = consumer.Stable(m)
    assert any(found is m for found in gc.get_referents(kept))


def test_a_block_whose_bytes_nobody_changes():
    m = Series(VALUES)
    with m.view(stable=True) as v:
        assert v.readonly and v.tolist() == VALUES
        a = np.asarray(v)
        assert not a.flags.writeable
        for refused in (lambda: m.append(4.0), lambda: m.call_under("share", lambda: None)):
            with pytest.raises(BufferError, match=ALIVE):
                refused()
        with m.view(stable=True) as second:
            assert second.tolist() == VALUES
        del a
    assert m.views() == 0
    m.append(4.0)
    with m.view() as v:
        assert not v.readonly


def test_a_stable_block_is_refused_beside_writers():
    m = Series(VALUES)
    with memoryview(m), pytest.raises(BufferError, match="cannot grant a stable view: 1 writable view is alive"):
        m.view(stable=True).__enter__()
    with pytest.raises(BufferError, match="this 'Plain' cannot promise that its memory does not change"):
        Plain(VALUES).view(stable=True).__enter__()
    assert m.views() == 0


def test_a_block_of_a_part():
    m = edges.Several()
    with m.first_values(2).view(stable=True) as v:
        assert v.readonly and v.tolist() == VALUES[:2]
        with pytest.raises(BufferError, match=ALIVE):
            m.grow_values()
    m.grow_values()


def test_the_view_of_a_block_answers_requests_for_stable_ones():
    m = Series(VALUES)
    with m.view(stable=True) as v, View(v.obj, FULL_RO | STABLE) as view:
        assert view.answer().readonly
    with m.view() as v:
        with pytest.raises(BufferError, match="cannot grant a stable view"):
            View(v.obj, FULL_RO | STABLE)
        with pytest.raises(ValueError, match="PyBUF_STABLE_READ"):
            View(v.obj, WRITABLE | STABLE)


def test_a_consumer_that_outlives_a_stable_block():
    m = Series(VALUES)
    with pytest.raises(BufferError, match="still holds the memory"), m.view(stable=True) as v:
        a = np.asarray(v)
    with pytest.raises(BufferError, match=ALIVE):
        m.append(4.0)
    del a, v
    gc.collect()
    m.append(4.0)


def test_arrays_of_any_strides():
    view = memoryview(np.arange(12.0).tobytes()).cast("d", (3, 4))
    assert consumer.stable_array(view) == (list(range(12)), [3, 4])
    flat = memoryview(np.arange(12.0).tobytes()).cast("d")
    for part in (flat[::2], flat[::-1], flat[9:1:-3], flat[3:4], flat[5:5], flat[:0:-1]):
        assert consumer.stable_array(part) == (part.tolist(), [len(part)])
    with pytest.raises(BufferError, match="expected items of format 'd'"):
        consumer.stable_array(b"12345678")
    rows = edges.Several().rows
    with pytest.raises(BufferError, match="expected items of format 'd'"):
        consumer.stable_array(rows)
    assert rows.views == 0


def test_matrices_in_fortran_order():
    m = edges.Several()
    assert consumer.stable_matrix(m.matrix) == memoryview(m.matrix).tolist()
    for part in (m.block(0, 2, 1), m.block(0, 2, -1), m.turned()):
        assert consumer.stable_matrix(part) == np.asarray(part).tolist()
    with pytest.raises(BufferError, match="expected a buffer of 2 dimensions, but this one has 1"):
        consumer.stable_matrix(memoryview(bytes(8)).cast("i"))
    with pytest.raises(BufferError, match="cannot promise"):
        consumer.stable_matrix(np.zeros((2, 2), "i4"))
