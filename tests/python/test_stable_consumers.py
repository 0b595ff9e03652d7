"""Rust as a consumer of stable views: who promises them, and who only pretends to."""

import array
import ctypes
import gc
import sys
import threading

import apart
import numpy as np
import pytest
from buffer_tests_ext import consumer, edges
from buffer_tests_ext.edges import Series
from pybuffer import FULL_RO, STABLE, WRITABLE, View
from pythons import since_312
from stables import ALIVE, VALUES, Plain


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
def test_objects_that_cannot_promise_it(make):
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


@pytest.fixture
def declare(monkeypatch):
    """Declares that the class `Liar` grants stable views, with other values than the true ones."""

    def declare(named=consumer.Liar, getbuffer_of=consumer.Liar, releasebuffer_of=consumer.Liar, flags=STABLE):
        capsule = consumer.declaration(named, getbuffer_of, releasebuffer_of, flags)
        monkeypatch.setattr(consumer.Liar, "__stable_buffer__", capsule, raising=False)

    return declare


def liar(**claims):
    it = consumer.Liar()
    for name, value in dict(readonly=True, **claims).items():
        setattr(it, name, value)
    return it


def test_the_declaration_of_another_project_is_believed(declare):
    it = liar()
    with pytest.raises(BufferError, match="cannot promise"):
        consumer.stable("f64", it)
    declare()
    assert consumer.stable("f64", it) == ([4], [1, 2, 3, 4])
    assert (it.asked, it.alive) == ([FULL_RO | STABLE], 0)
    declare(flags=STABLE | 0x800)
    assert consumer.stable("f64", it)[1] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "lie",
    [dict(named=None), dict(named=Series), dict(getbuffer_of=Series), dict(releasebuffer_of=Series), dict(flags=0x800)],
    ids=lambda lie: next(iter(lie)),
)
def test_a_declaration_that_does_not_describe_the_class_does_not_pass(declare, lie):
    declare(**lie)
    it = liar()
    with pytest.raises(BufferError, match="which this 'Liar' cannot promise"):
        consumer.stable("f64", it)
    assert it.granted == 0


@pytest.mark.parametrize("claims", [dict(readonly=False), dict(null_obj=True), dict(lends=b"8 bytes.")], ids=str)
def test_a_view_that_breaks_its_declaration_is_refused(declare, claims):
    declare()
    it = liar()
    for name, value in claims.items():
        setattr(it, name, value)
    with pytest.raises(BufferError, match="is writable, or one of another object; this is a bug in its exporter"):
        consumer.stable("f64", it)
    assert it.alive == 0
    before = sys.getrefcount(it)
    with pytest.raises(BufferError):
        consumer.stable("f64", it)
    assert sys.getrefcount(it) == before


def test_a_view_of_another_object_is_released_by_that_object(declare):
    declare()
    lent = bytearray(8)
    with pytest.raises(BufferError, match="one of another object"):
        consumer.stable("f64", liar(lends=lent))
    lent.append(1)


def test_an_exception_that_a_granting_exporter_leaves_is_raised(declare):
    declare()
    it = liar(raises=True)
    with pytest.raises(BufferError, match="raised by an exporter that has granted"):
        consumer.stable("f64", it)
    assert it.alive == 0
    it.raises, it.readonly, it.release_raises = False, False, True
    with pytest.raises(KeyError, match="raised by a release"):
        consumer.stable("f64", it)
    assert it.alive == 0


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
    view = memoryview(bytes(8)).cast("d")
    referents = gc.get_referents(consumer.Stable(view))
    assert any(found is view for found in referents) and any(found is view.obj for found in referents)


def test_the_object_of_a_memoryview_stays_locked():
    m = Series(VALUES)
    with View(m, FULL_RO | STABLE):
        view = memoryview(m)
    kept = consumer.Stable(view)
    with pytest.raises(BufferError, match="1 stable view is alive"):
        m.call_under("share", lambda: None)
    kept.release()
    m.call_under("share", lambda: None)


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
