"""Stable views that our classes grant: what they exclude, and what they show."""

import builtins
import gc

import numpy as np
import pytest
from buffer_tests_ext import consumer, edges, layouts
from buffer_tests_ext.edges import Series
from dltensor import versioned
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
from stables import ALIVE, VALUES, under


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
        with under(m, "read"):
            with pytest.raises(BufferError) as refusal:
                m.append(4.0)
            # It would not be enough to release the views.
            assert m.why_not_write() == (0, False)
    text = (
        "cannot resize: 2 stable views are alive, and 1 read guard is alive in Rust; release or delete every view first"
    )
    assert str(refusal.value).startswith(text)


@pytest.mark.parametrize("bits", [WRITABLE, 0x002, WRITE, 0x800, 0x10000, READ, FULL_RO | WRITABLE, FULL_RO | 0x002])
@pytest.mark.parametrize("make", [Series, edges.Owner, edges.ReadOnlyOwner, lambda values: edges.Several().values])
@pytest.mark.parametrize("viewed", [False, True])
def test_malformed_requests(make, bits, viewed):
    m = make([1, 2, 3])
    # A request for memory that was viewed before may be answered at once.
    if viewed:
        memoryview(m).release()
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
    # Nor after an ordinary view, when other requests are answered at once.
    memoryview(m).release()
    with pytest.raises(BufferError, match="cannot grant a stable view"):
        View(m, FULL_RO | STABLE)
    assert m.views() == 0


@pytest.mark.parametrize("viewed", [False, True])
def test_memory_that_a_consumer_without_a_view_may_write_is_not_stable(viewed):
    m = Series(VALUES)
    if viewed:
        memoryview(m).release()
    tensor = versioned(m)
    with pytest.raises(BufferError, match="1 tensor is alive"):
        View(m, FULL_RO | STABLE)
    tensor.delete()
    View(m, FULL_RO | STABLE).release()

    m = edges.Pinned([1, 2])
    # numpy keeps the address.
    kept = np.ndarray(2, np.int32, buffer=m)
    for _ in range(2):
        with pytest.raises(BufferError, match="pinned"):
            View(m, FULL_RO | STABLE)
    kept[0] = 9
    assert memoryview(m).tolist() == [9, 2]


def test_a_layout_that_is_refused_leaves_no_guard():
    for viewed in (False, True):
        m = layouts.Strided1(bytes(64), 3, 8, 0)
        if viewed:
            memoryview(m).release()
        with pytest.raises(BufferError):
            View(m, SIMPLE | STABLE)
        assert not memoryview(m).readonly
        m = edges.Several()
        part = m.first_values(2)
        if viewed:
            memoryview(part).release()
        with pytest.raises(BufferError):
            View(part, FORMAT | STABLE)
        m.grow_values()


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
