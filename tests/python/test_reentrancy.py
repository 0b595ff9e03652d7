"""User code inside a request or a method: it views, resizes, raises, panics, detaches."""

import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import AskedRows, MutableShaped, Owner, ReadOnlyShaped, Series, Shaped
from shaped import still_works

SHAPED = [Shaped, ReadOnlyShaped, MutableShaped]
all_shaped = pytest.mark.parametrize("make", SHAPED)

PyBUF_FULL = 0x11D
PyBUF_WRITABLE = 0x001


def test_release_inside_a_mutable_borrow_unlocks():
    unraisable = []
    before, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        m = Owner([1, 2])
        view, array = memoryview(m), np.asarray(m)

        def let_go():
            nonlocal array
            view.release()
            del array

        m.call_then_grow(let_go)
        assert m.views() == 0
        assert memoryview(m).tolist() == [1, 2, 1]
    finally:
        sys.unraisablehook = before
    assert unraisable == []


def test_a_view_inside_a_mutable_borrow_is_a_buffer_error():
    m = Owner([1, 2])
    text = "cannot grant a view: this `Owner` is mutably borrowed; ask when the `&mut self` method"

    def ask():
        for consume in (memoryview, np.asarray, np.frombuffer, bytes):
            with pytest.raises(BufferError, match=text):
                consume(m)

    m.call_then_grow(ask)
    assert memoryview(m).tolist() == [1, 2, 1]


def test_a_view_that_lives_through_a_mutable_borrow_keeps_the_memory():
    m = Owner([1, 2])
    view = memoryview(m)
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.call_then_grow(lambda: None)
    assert view.tolist() == [1, 2]


@all_shaped
@pytest.mark.parametrize("how", ["panic", "panic twice", "panic while detached"])
def test_a_panicking_shape_is_an_exception_and_leaves_nothing(make, how):
    m = make([1, 2, 3, 4], lambda: how)
    for consume in (memoryview, np.asarray, bytes):
        with pytest.raises(BaseException) as raised:
            consume(m)
        assert type(raised.value).__name__ == "PanicException"
    still_works(m, [1, 2, 3, 4])


@all_shaped
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit, BufferError, MemoryError, StopIteration])
def test_an_exception_of_a_shape_propagates(make, error):
    raised = error("from the shape")

    def shape():
        raise raised

    m = make([1, 2, 3, 4], shape)
    for consume in (memoryview, bytes, np.asarray):
        with pytest.raises(error) as arrived:
            consume(m)
        assert arrived.value is raised
    still_works(m, [1, 2, 3, 4])


MISFIT = "the declared shape does not fit: "


@all_shaped
@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (3, f"{MISFIT}the storage has 4 items, which is no multiple of 3, the product of the dimensions beside `_`"),
        (-1, "dimension 0 of the shape is negative (-1)"),
        (0, "`_` cannot be inferred, because another dimension of the shape is 0; give every dimension"),
        (5, f"{MISFIT}the storage has 4 items, which is no multiple of 5, the product of the dimensions beside `_`"),
    ],
)
def test_a_wrong_shape_is_refused_and_leaves_nothing(make, rows, text):
    m = make([1, 2, 3, 4], lambda: rows)
    with pytest.raises(BufferError) as refusal:
        memoryview(m)
    assert str(refusal.value) == f"cannot grant a view: {text}"
    still_works(m, [1, 2, 3, 4])


def test_a_refusal_to_write_comes_before_the_shape_is_asked():
    m = ReadOnlyShaped([1, 2], lambda: pytest.fail("asked"))
    with pytest.raises(BufferError, match="the buffer is read-only"):
        edges.request(m, PyBUF_FULL)
    with pytest.raises(BufferError, match="the buffer is read-only"):
        edges.request(m, PyBUF_WRITABLE)


@all_shaped
def test_the_shape_is_asked_for_the_first_view_alone(make):
    asked = []
    m = make([1, 2, 3, 4], lambda: asked.append(None) or 2)
    with memoryview(m), memoryview(m), memoryview(m):
        assert len(asked) == 1
    with memoryview(m):
        assert len(asked) == 2


@all_shaped
def test_a_shape_that_grows_the_storage_gives_the_new_one(make):
    m = make([1, 2], lambda: m.resize(6) or 3)
    with memoryview(m) as view:
        assert view.shape == (3, 2)
        assert view.tolist() == [[1, 2], [0, 0], [0, 0]]


@all_shaped
def test_a_shape_that_shrinks_the_storage_gives_the_new_one(make):
    m = make([1, 2, 3, 4], lambda: m.resize(2) or 1)
    with memoryview(m) as view:
        assert view.tolist() == [[1, 2]]


@all_shaped
def test_a_shape_that_no_longer_fits_is_asked_again(make):
    asked = []

    def shape():
        asked.append(None)
        if len(asked) == 1:
            m.resize(9)
            return 2
        return 3

    m = make([1, 2], shape)
    with memoryview(m) as view:
        assert view.shape == (3, 3)
    assert len(asked) == 2


def test_a_format_is_asked_again_for_as_many_rows_of_another_length():
    formats = iter(["I", "H"])

    def asked():
        rows.replace([b"ab", b"cd"])
        return next(formats)

    rows = AskedRows(asked)
    rows.replace([b"abcd", b"efgh"])
    with memoryview(rows) as view:
        assert (view.format, view.shape, view.tobytes()) == ("H", (2, 1), b"abcd")


@all_shaped
def test_a_shape_that_never_fits_is_refused(make):
    lengths = iter(range(3, 1000, 2))
    m = make([1, 2], lambda: m.resize(next(lengths)) or 2)
    with pytest.raises(BufferError, match="no multiple of"):
        memoryview(m)
    assert m.views() == 0


@all_shaped
def test_a_shape_that_closes_the_cell_is_refused(make):
    m = make([1, 2], lambda: m.close())
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        memoryview(m)
    assert m.views() == 0


@all_shaped
def test_a_shape_that_keeps_a_view_and_answers_another_shape_gives_the_first(make):
    kept = []

    def shape():
        if kept:
            return 2
        kept.append(None)
        kept.append(memoryview(m))
        return 4

    m = make([1, 2, 3, 4], shape)
    view = memoryview(m)
    assert m.views() == 2
    assert view.shape == kept[1].shape == (2, 2)
    kept.pop()
    assert view.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(BufferError):
        m.resize(8)
    view.release()
    m.resize(8)


@all_shaped
def test_a_shape_that_views_its_object_is_evaluated_for_each_view(make):
    depth = []

    def shape():
        depth.append(None)
        if len(depth) < 10:
            assert memoryview(m).nbytes == 16
        return 1

    m = make([1, 2, 3, 4], shape)
    with memoryview(m) as view:
        assert view.shape == (1, 4)
        assert m.views() == 1


def test_a_shape_may_not_borrow_its_object_mutably():
    m = MutableShaped([1, 2], lambda: m.resize_exclusively(4) or 1)
    with pytest.raises(RuntimeError, match="Already borrowed"):
        memoryview(m)
    m.ask(lambda: 1)
    m.resize_exclusively(4)
    with memoryview(m) as view:
        assert view.shape == (1, 4)


@all_shaped
def test_a_shape_that_detaches_is_resolved_against_what_there_is_afterwards(make):
    inside, changed = threading.Event(), threading.Event()

    def shape():
        inside.set()
        assert changed.wait(60)
        return "detach"

    m = make([1, 2, 3, 4], shape)

    def change():
        assert inside.wait(60)
        m.resize(6)
        changed.set()

    thread = threading.Thread(target=change)
    thread.start()
    with memoryview(m) as view:
        assert view.tolist() == [[1, 2, 3], [4, 0, 0]]
    thread.join(60)


@all_shaped
def test_a_shape_that_detaches_joins_the_view_of_another_thread(make):
    inside, viewed = threading.Event(), threading.Event()
    views = []

    def slow():
        m.ask(lambda: 1)
        inside.set()
        assert viewed.wait(60)
        return "detach"

    m = make([1, 2, 3, 4], slow)

    def view():
        assert inside.wait(60)
        views.append(memoryview(m))
        viewed.set()

    thread = threading.Thread(target=view)
    thread.start()
    with memoryview(m) as late:
        assert late.shape == views[0].shape == (1, 4)
        assert m.views() == 2
    thread.join(60)
    views.clear()
    assert m.views() == 0


@all_shaped
def test_many_threads_may_evaluate_a_detaching_shape_at_once(make):
    m = make([1, 2, 3, 4], lambda: "detach")
    shapes = []

    def view():
        for _ in range(3):
            with memoryview(m) as granted:
                shapes.append(granted.shape)

    threads = [threading.Thread(target=view) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert shapes == [(2, 2)] * 18
    assert m.views() == 0


def test_extending_by_itself_is_refused():
    m = Series([1, 2])
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.extend(memoryview(m))
    with pytest.raises(BufferError, match="cannot grant a view: Rust is changing it"):
        m.extend(value for _ in range(1) for value in memoryview(m))
    with memoryview(m) as view:
        assert view.tolist() == [1, 2]
    m.extend([3])
    assert len(m) == 3


@pytest.mark.parametrize("act", ["view", "append", "clear", "close", "raise"])
def test_an_index_that_reenters_a_locked_object_is_refused(act):
    m = Series([1, 2])

    class Index:
        def __index__(self):
            acts = {"view": lambda: memoryview(m), "append": lambda: m.append(1), "clear": m.clear, "close": m.close}
            acts.get(act, lambda: 1 // 0)()
            return 1

    with pytest.raises(ZeroDivisionError if act == "raise" else BufferError):
        m.set(Index(), 9)
    with memoryview(m) as view:
        assert view.tolist() == [1, 2]
    m.append(3)
