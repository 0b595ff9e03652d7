"""`#[buffer(pin)]`: after its first view, memory never moves. For consumers that keep an address but no view."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import CodePinned, Owner, Pinned, PinnedsPiece, ReadOnlyPinned, Tally
from dltensor import versioned
from pybuffer import FULL_RO, STABLE, View

VALUES = [1, 2, 3, 4]
CLASSES = [Pinned, ReadOnlyPinned, CodePinned]
MOVES = {
    "write": "resize",
    "get_mut": "resize",
    "close": "close",
    "take": "close",
    "detach": "detach",
    "into_inner": "take the storage",
}

all_classes = pytest.mark.parametrize("make", CLASSES)


def pinned(attempt, kind="writable view"):
    return (
        f"cannot {attempt}: the memory is pinned, since a {kind} of it was granted; "
        "it stays where it is until the object dies"
        + ("; change values in place through `share`" if attempt == "resize" else "")
    )


def chararray(m):
    with warnings.catch_warnings():
        # Newer versions of numpy deprecate it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.char.chararray(16, 1, buffer=m)


EARLY_RELEASERS = {
    "np.ndarray": lambda m: np.ndarray(4, np.int32, buffer=m),
    "np.recarray": lambda m: np.recarray(4, np.dtype([("n", np.int32)]), buf=m),
    "np.char.chararray": chararray,
}


@pytest.mark.parametrize("consume", EARLY_RELEASERS.values(), ids=EARLY_RELEASERS.keys())
def test_consumers_that_keep_an_address_but_no_view_are_safe(consume):
    tally = Tally()
    m = Pinned(VALUES, tally)
    array = consume(m)
    assert (m.views(), m.pinned) == (0, True)
    for name, attempt in MOVES.items():
        with pytest.raises(BufferError) as refusal:
            m.attempt(name)
        assert str(refusal.value) == pinned(attempt)
    assert (m.pinned, tally.drops) == (True, 0)
    m.attempt("share")
    assert memoryview(m).tolist() == [70, 2, 3, 4]
    assert array.tobytes() == np.array([70, 2, 3, 4], np.int32).tobytes()

    # The array keeps the object alive, and with it the memory.
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert (dead() is None, tally.drops) == (False, 0)
    del array
    gc.collect()
    assert (dead() is None, tally.drops) == (True, 1)


def test_numpy_writes_the_memory_that_it_keeps_no_view_of():
    m = Pinned(VALUES)
    array = np.ndarray(4, np.int32, buffer=m)
    array[:] = 7
    with memoryview(m) as view:
        assert view.tolist() == [7, 7, 7, 7]
    # A read guard would be a slice of memory that numpy may write.
    with pytest.raises(BufferError) as refusal:
        m.attempt("read")
    assert str(refusal.value) == pinned("read")


@all_classes
def test_before_the_first_view_everything_is_allowed(make):
    for name in ["write", "get_mut", "read", "share", "into_inner", "close", "take", "detach"]:
        m = make(VALUES)
        m.attempt(name)
        assert not m.pinned


@all_classes
@pytest.mark.parametrize("name", MOVES)
def test_after_the_first_view_nothing_moves_the_memory(make, name):
    m = make(VALUES)
    with memoryview(m) as view:
        shown = view.tolist()
        with pytest.raises(BufferError, match="the memory is pinned"):
            m.attempt(name)
    for _ in range(2):
        with pytest.raises(BufferError, match="the memory is pinned"):
            m.attempt(name)
    assert memoryview(m).tolist() == shown


def test_a_refused_view_pins_nothing():
    m = ReadOnlyPinned(VALUES)
    with pytest.raises(BufferError):
        edges.request(m, 1)
    assert not m.pinned
    m.attempt("write")
    # Five values do not make two rows.
    m = CodePinned([1, 2, 3, 4, 5])
    with pytest.raises(BufferError):
        memoryview(m)
    assert not m.pinned
    m.attempt("write")


def test_a_refused_view_of_a_part_pins_nothing():
    m = Pinned([1])
    with pytest.raises(BufferError):
        memoryview(PinnedsPiece(m))
    assert not m.pinned
    m.attempt("write")
    m = Pinned(VALUES)
    piece = PinnedsPiece(m)
    with pytest.raises(BufferError):
        edges.request(piece, 4)
    assert not m.pinned
    memoryview(piece).release()
    assert m.pinned


def test_what_python_may_not_write_rust_may_read():
    m = ReadOnlyPinned(VALUES)
    array = np.ndarray(4, np.int32, buffer=m)
    m.attempt("read")
    with pytest.raises(BufferError) as refusal:
        m.attempt("write")
    assert str(refusal.value) == pinned("resize", "view")
    assert array.tolist() == VALUES


def test_a_view_that_was_read_only_under_a_guard_says_so():
    m = Pinned(VALUES)
    m.call_under_read(lambda: memoryview(m).release())
    assert m.pinned
    m.attempt("read")
    memoryview(m).release()
    with pytest.raises(BufferError, match="a writable view of it was granted"):
        m.attempt("read")


def refuse(m):
    with pytest.raises(BufferError):
        edges.request(m, 4)


# What happens before the view or tensor. After the last two the layout is known, so it is granted at once.
BEFORE = {
    "nothing": lambda m: None,
    "refused": refuse,
    "read-only": lambda m: m.call_under_read(lambda: memoryview(m).release()),
}
before = pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)


@before
def test_a_writable_view_or_tensor_pins_memory_that_may_be_written(before):
    # Tensors are made at once when the names of the arguments are known.
    versioned(Owner([1])).delete()
    for hold in (lambda m: View(m, FULL_RO).release(), lambda m: versioned(m).delete()):
        m = Pinned(VALUES)
        before(m)
        m.attempt("read")
        hold(m)
        assert m.pinned
        for name, attempt in {"write": "resize", "read": "read"}.items():
            with pytest.raises(BufferError) as refusal:
                m.attempt(name)
            assert str(refusal.value) == pinned(attempt)


@before
def test_a_stable_view_pins_as_one_that_may_not_write(before):
    m = Pinned(VALUES)
    before(m)
    View(m, FULL_RO | STABLE).release()
    assert m.pinned
    m.attempt("read")
    with pytest.raises(BufferError) as refusal:
        m.attempt("write")
    assert str(refusal.value) == pinned("resize", "view")


def test_a_view_of_a_part_pins_the_whole():
    m = Pinned(VALUES)
    array = np.ndarray(2, np.int32, buffer=PinnedsPiece(m))
    assert (m.views(), m.pinned) == (0, True)
    with pytest.raises(BufferError, match="the memory is pinned"):
        m.attempt("write")
    assert array.tolist() == [2, 3]


def test_the_pin_goes_where_the_memory_goes():
    m, other = Pinned(VALUES), Owner([5])
    memoryview(m).release()
    edges.swap_pinned(m, other)
    assert not m.pinned
    m.attempt("write")
    with pytest.raises(BufferError, match="the memory is pinned"):
        edges.grow(other, 1)
    assert memoryview(other).tolist() == VALUES


def test_without_pin_an_early_release_goes_unnoticed():
    m = Owner(VALUES)
    array = np.ndarray(4, np.int32, buffer=m)
    assert m.views() == 0
    del array
    edges.grow(m, 5)
