"""The slots: foreign exporters, edited views, pending exceptions, and numpy's reaction to a refusal."""

import pickle
import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, OwnersPiece, ReadOnlyOwner, ReadOnlyShaped, Series, Shaped, Tally
from pythons import since_312

PyBUF_SIMPLE = 0x000
PyBUF_WRITABLE = 0x001
PyBUF_FORMAT = 0x004
PyBUF_FULL = 0x11D
PyBUF_FULL_RO = 0x11C
PyBUF_READ = 0x100
PyBUF_WRITE = 0x200

FOREIGN = [edges.ForeignWithoutRelease, edges.ForeignWithInternal, edges.ForeignWithRelease]


def test_the_linker_kept_the_slots():
    edges.assert_owners_exported()


@pytest.mark.parametrize("flags", [PyBUF_FULL, PyBUF_WRITABLE, PyBUF_FORMAT])
@pytest.mark.parametrize("make", [ReadOnlyOwner, ReadOnlyShaped])
def test_a_refusal_leaves_no_object_in_the_view(make, flags):
    # `request` fills `obj` with garbage first, and checks after a refusal that it is NULL.
    m = make([1, 2])
    with pytest.raises(BufferError):
        edges.request(m, flags)
    assert m.views() == 0


@pytest.mark.parametrize("make", [Series, Owner, Shaped])
def test_a_request_into_nothing_is_an_exception(make):
    m = make([1, 2])
    with pytest.raises(BufferError, match="NULL Py_buffer"):
        edges.request_into_null(m)
    assert m.views() == 0


@since_312
@pytest.mark.parametrize("make", [Series, Owner, ReadOnlyOwner, Shaped])
@pytest.mark.parametrize("flags", [PyBUF_READ, PyBUF_WRITE])
def test_flags_of_another_function_are_an_exception(make, flags):
    m = make([1, 2])
    for _ in range(2):
        with pytest.raises(BufferError):
            m.__buffer__(flags)
    with memoryview(m):
        with pytest.raises(BufferError):
            m.__buffer__(flags)
        assert m.views() == 1
    assert m.views() == 0


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("ours", [Owner, OwnersPiece])
def test_a_foreign_view_released_through_our_slot_is_ignored(foreign, ours):
    class Y(foreign, ours):
        pass

    if ours is Owner:
        y = owner = Y([1, 2])
    else:
        owner = Owner([1, 2])
        y = Y(owner, 4)
    for _ in range(3):
        view = memoryview(y)
        assert (bytes(view), owner.views()) == (b"foreign", 0)
        view.release()
        assert owner.views() == 0
    edges.grow(owner, 3)


@pytest.mark.parametrize("foreign", FOREIGN)
def test_our_view_beside_a_foreign_base_is_ours(foreign):
    class Y(Owner, foreign):
        pass

    y = Y([1, 2])
    released = edges.foreign_releases()
    with memoryview(y) as view:
        assert (view.tolist(), y.views()) == ([1, 2], 1)
    assert y.views() == 0
    assert edges.foreign_releases() == released


@since_312
@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("ours_first", [True, False])
def test_a_foreign_bases_view_of_our_object_is_ignored(foreign, ours_first):
    bases = (Owner, foreign) if ours_first else (foreign, Owner)
    y = type("Y", bases, {})([1, 2])
    view = foreign.__buffer__(y, PyBUF_SIMPLE)
    assert (bytes(view), y.views()) == (b"foreign", 0)
    ours = Owner.__buffer__(y, PyBUF_FULL) if ours_first or foreign is not edges.ForeignWithRelease else None
    view.release()
    assert y.views() == (ours is not None)
    del ours
    assert y.views() == 0
    edges.grow(y, 3)


@pytest.mark.parametrize("make", [Owner, ReadOnlyOwner, Shaped])
def test_a_view_whose_fields_were_edited_is_released_all_the_same(make):
    m = make([1, 2])
    view, other = edges.request(m, PyBUF_FULL_RO), edges.request(m, PyBUF_FULL_RO)
    view.scribble()
    view.release()
    assert m.views() == 1
    assert other.tobytes() == np.array([1, 2], np.int32).tobytes()
    other.release()
    assert m.views() == 0


def test_an_edited_view_is_the_last_of_a_cell_that_is_gone():
    tally = Tally()
    m = Owner([1, 2], tally)
    view = edges.request(m, PyBUF_FULL)
    edges.replace(m, [3])
    view.scribble()
    assert tally.drops == 0
    view.release()
    assert tally.drops == 1


@pytest.mark.parametrize("make", [Series, Owner, ReadOnlyOwner, Shaped, ReadOnlyShaped])
def test_a_view_is_granted_and_released_with_an_exception_pending(make):
    m = make([1, 2])
    error = KeyError("pending")
    view, pending = edges.request_with_pending(m, PyBUF_FULL_RO, error)
    assert (m.views(), pending) == (1, error)
    assert view.release_with_pending(error) is error
    assert m.views() == 0


def test_a_shape_finds_no_exception_pending_and_the_pending_one_survives():
    m = Shaped([1, 2], lambda: len({}.get("key", [1])))
    error = KeyError("pending")
    view, pending = edges.request_with_pending(m, PyBUF_FULL, error)
    assert (view.shape, pending) == ([1, 2], error)


def test_a_refusal_replaces_the_exception_that_was_pending():
    m = Owner([1, 2])
    m.close()
    view, error = edges.request_with_pending(m, PyBUF_FULL, KeyError("pending"))
    assert view is None
    assert str(error) == "cannot grant a writable view: it is closed"


def test_a_consumer_may_ask_again_with_the_refusal_pending():
    m = ReadOnlyShaped([1, 2, 3, 4], lambda: len(list(range(2))))
    view, pending = edges.request_twice(m, PyBUF_FULL, PyBUF_FULL_RO)
    assert (view.shape, view.readonly, m.views()) == ([2, 2], True, 1)
    assert (
        str(pending)
        == "cannot grant a writable view: the buffer is read-only; pass a writable one, or ask without PyBUF_WRITABLE"
    )
    del view
    view, pending = edges.request_twice(m, PyBUF_WRITABLE, PyBUF_SIMPLE)
    assert (view.ndim, view.shape, m.views()) == (1, None, 1)
    assert isinstance(pending, BufferError)


def test_an_exception_that_is_pending_survives_a_drop_that_calls_python():
    called = []
    m = Owner([1, 2], None, lambda: called.append(sys.exc_info()[0]) or int("1"))
    view = edges.request(m, PyBUF_FULL)
    edges.replace(m, [3])
    error = KeyError("pending")
    assert view.release_with_pending(error) is error
    assert called == [None]


@pytest.mark.parametrize("end", ["panic", "panic twice", "raise"])
def test_an_exception_that_is_pending_survives_a_drop_that_fails(end):
    unraisable = []
    before, sys.unraisablehook = sys.unraisablehook, lambda hook: unraisable.append(hook.exc_type.__name__)
    try:
        tally = Tally()
        m = Owner([1, 2], tally, (lambda: 1 // 0) if end == "raise" else end)
        view = edges.request(m, PyBUF_FULL)
        edges.replace(m, [3])
        error = KeyError("pending")
        assert view.release_with_pending(error) is error
        assert tally.drops == 1
    finally:
        sys.unraisablehook = before
    # An exception from the drop may or may not be reported. A panic must be.
    assert unraisable == (["PanicException"] if end != "raise" else unraisable)
    assert m.views() == 0


def test_an_exception_that_is_pending_survives_what_waits_in_pyo3s_pool():
    # The objects' drops call Python. PyO3 drops the objects in its pool the next time that a thread attaches.
    called = []

    def waiting():
        return [Owner([1], None, lambda: called.append(None) or int("1"))]

    error = KeyError("pending")
    view, pending = edges.request_with_pending_and_deferred(Shaped([1, 2]), PyBUF_FULL, error, waiting())
    assert (view.shape, pending) == ([1, 2], error)

    m = Owner([1, 2])
    view = edges.request(m, PyBUF_FULL)
    edges.replace(m, [3])
    assert view.release_with_pending_and_deferred(error, waiting()) is error
    assert len(called) == 2


@pytest.mark.parametrize("error", ["KeyError", "PanicException"])
def test_an_exception_on_its_way_survives_the_views_that_it_ends(error):
    def fail():
        if error == "KeyError":
            raise KeyError("on its way")
        Series([1]).panic_under("read")

    called = []
    m = Owner([1, 2], None, lambda: called.append(len(str(sys.exc_info()))))
    with pytest.raises(BaseException) as raised:
        # The memoryview dies while the exception from `fail` propagates.
        _ = [memoryview(m), edges.part(m).drop_here(), fail()]
    assert type(raised.value).__name__ == error
    assert len(called) == 1


def closed(m):
    m.close()
    return m


REFUSED = {
    "closed": lambda attempt: attempt(closed(Series([1, 2, 3]))),
    "writing": lambda attempt: (lambda m: m.call_under("write", lambda: attempt(m)))(Series([1, 2, 3])),
    "wrong shape": lambda attempt: attempt(Shaped([1, 2, 3], lambda: 2)),
}

NUMPY = {
    "asarray": np.asarray,
    "array": np.array,
    "array with a dtype": lambda m: np.array(m, dtype=np.float32),
    "array of a list": lambda m: np.array([m]),
    "array of lists": lambda m: np.array([[m, m], [m, m]]),
    "sum": np.sum,
    "add": lambda m: np.add(m, 1),
    "assignment": lambda m: np.zeros(3).__setitem__(slice(None), m),
    "concatenate": lambda m: np.concatenate([m, m]),
    "frombuffer": np.frombuffer,
    "stack": lambda m: np.stack([m]),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("consume", NUMPY.values(), ids=NUMPY.keys())
def test_numpy_raises_a_refusal_and_makes_no_array_of_objects(consume, refused):
    raised = []

    def attempt(m):
        with pytest.raises(BufferError) as refusal:
            consume(m)
        raised.append(str(refusal.value))

    refused(attempt)
    assert raised[0].startswith("cannot grant a view: ")


def test_numpy_takes_a_granted_view_without_asking_for_an_array():
    class Asked(Series):
        def __array__(self, *args, **kwargs):
            pytest.fail("numpy asked __array__")

    m = Asked([1, 2, 3])
    array = np.asarray(m)
    assert (array.dtype, array.tolist()) == (np.float64, [1, 2, 3])
    array[0] = 9
    assert memoryview(m)[0] == 9


def test_array_answers_what_numpy_would_have_made():
    m = Series([1, 2, 3])
    array = m.__array__()
    assert np.shares_memory(array, np.asarray(m)) or array.tolist() == [1, 2, 3]
    assert m.__array__(np.dtype(np.int8)).tolist() == [1, 2, 3]
    del array
    assert m.views() == 0


# Consumers that release the view at once and keep a bare pointer. No lock can see them.
EARLY_RELEASERS = {
    "ndarray": lambda m: np.ndarray((3,), np.float64, buffer=m),
    "recarray": lambda m: np.recarray((3,), dtype=[("x", np.float64)], buf=m),
}


@pytest.mark.parametrize("consume", EARLY_RELEASERS.values(), ids=EARLY_RELEASERS.keys())
def test_a_consumer_that_keeps_a_bare_pointer_goes_unnoticed(consume):
    m, control = Series([1, 2, 3]), bytearray(24)
    arrays = consume(m), consume(control)
    assert m.views() == 0
    m.append(4)
    control.append(4)
    # The arrays are dangling now and must not be read.
    del arrays


def test_a_view_is_released_on_a_thread_that_python_did_not_start():
    m = Series([1, 2, 3])
    views = [edges.request(m, PyBUF_FULL) for _ in range(10)]
    threads = [threading.Thread(target=view.release) for view in views]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert m.views() == 0


def test_a_view_that_is_released_again_while_its_release_runs_is_released_once():
    # CPython marks a view as released only after our release returns. The storage's drop runs inside that release.
    called = []

    def again():
        called.append(None)
        view.release()

    m = Owner([1, 2], None, again)
    before = sys.getrefcount(m)
    view = pickle.PickleBuffer(m)
    edges.replace(m, [3])
    view.release()
    assert (called, sys.getrefcount(m)) == ([None], before)
    with memoryview(m) as later:
        assert later.tolist() == [3]
