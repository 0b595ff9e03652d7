"""The slots of parts when the whole's cell is replaced, or its layout raises, panics, re-enters or turns read-only."""

import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import (
    Decided,
    DecidedsPiece,
    Owner,
    OwnersPiece,
    Shaped,
    ShapedsPiece,
    TableOwner,
    TablesPiece,
    Tally,
)
from pybuffer import FULL, SIMPLE
from pythons import HAS_GIL, since_312


@pytest.fixture
def owner():
    return Owner([1, 2, 3])


@pytest.fixture
def piece(owner):
    return OwnersPiece(owner, 4)


def test_a_refused_part_leaves_no_object_in_the_view(owner):
    # `request` fills `obj` with garbage first, and checks after a refusal that it is NULL.
    for refused in (OwnersPiece(owner, 12), ShapedsPiece(Shaped([1], lambda: 1 // 0), 0)):
        with pytest.raises((BufferError, ZeroDivisionError)):
            edges.request(refused, FULL)
    with pytest.raises(BufferError, match="NULL Py_buffer"):
        edges.request_into_null(OwnersPiece(owner, 0))
    assert owner.views() == 0


def test_a_part_is_requested_and_released_with_an_exception_pending(owner, piece):
    error = KeyError("pending")
    view, pending = edges.request_with_pending(piece, FULL, error)
    assert (view.shape, owner.views(), pending) == ([1], 1, error)
    assert view.release_with_pending(error) is error
    assert owner.views() == 0
    shaped = ShapedsPiece(Shaped([1, 2], lambda: len({}.get("key", [1]))), 4)
    view, pending = edges.request_with_pending(shaped, FULL, error)
    assert (view.shape, pending) == ([1], error)


def test_a_refused_part_replaces_the_exception_that_was_pending(owner):
    for refused in (OwnersPiece(owner, 12), ShapedsPiece(Shaped([1, 2], lambda: 1 // 0), 0)):
        view, error = edges.request_with_pending(refused, FULL, KeyError("pending"))
        assert view is None
        assert type(error) in (BufferError, ZeroDivisionError)


@pytest.mark.parametrize("end", ["panic", "panic twice", "raise", "call"])
def test_a_drop_at_the_end_of_a_part_keeps_the_exception_that_is_pending(monkeypatch, end):
    monkeypatch.setattr(sys, "unraisablehook", lambda hook: None)
    act = {"raise": lambda: 1 // 0, "call": lambda: len({}.get("key", [1]))}.get(end, end)
    tally = Tally()
    owner = Owner([1, 2, 3], tally, act)
    view = edges.request(OwnersPiece(owner, 4), FULL)
    edges.replace(owner, [9])
    assert tally.drops == 0
    error = KeyError("pending")
    assert view.release_with_pending(error) is error
    assert (tally.drops, owner.views()) == (1, 0)


def test_a_part_whose_fields_were_edited_is_released_all_the_same(owner, piece):
    view, other = edges.request(piece, FULL), edges.request(piece, FULL)
    view.scribble()
    view.release()
    assert (owner.views(), other.shape, other.tobytes()) == (1, [1], np.int32(2).tobytes())
    other.release()
    assert owner.views() == 0


def test_a_part_that_is_released_again_while_its_release_runs_is_released_once():
    called = []

    def again():
        called.append(None)
        view.release()

    owner = Owner([1, 2, 3], None, again)
    piece = OwnersPiece(owner, 4)
    before = sys.getrefcount(piece)
    view = pickle.PickleBuffer(piece)
    edges.replace(owner, [3])
    view.release()
    assert (called, sys.getrefcount(piece), owner.views()) == ([None], before, 0)


def test_a_part_shows_the_cell_that_its_whole_has_now_and_a_view_the_one_that_it_had():
    owner, table = Owner([1, 2, 3, 4]), TableOwner([5, 6, 7, 8])
    piece, of_table = OwnersPiece(owner, 4), TablesPiece(table, 4)
    view = memoryview(piece)
    edges.swap(owner, table)
    assert memoryview(piece).tolist() == [6]
    # The layout of the other class stays published until the view is released.
    for seen in (table, of_table):
        with pytest.raises(BufferError, match="through an object of another class, or another field"):
            memoryview(seen)
    assert (view.tolist(), owner.views(), table.views()) == ([2], 0, 1)
    view.release()
    assert (memoryview(of_table).tolist(), memoryview(table).tolist()) == ([2], [[1, 2], [3, 4]])
    assert table.views() == 0


def test_an_exception_of_the_layout_of_the_whole_propagates():
    whole = Shaped([1, 2, 3, 4])
    piece = ShapedsPiece(whole, 4)
    error = KeyError("of the whole")

    def fail():
        raise error

    whole.ask(fail)
    with pytest.raises(KeyError) as raised:
        memoryview(piece)
    assert raised.value is error
    for act in ("panic", "panic twice", "panic while detached"):
        whole.ask(lambda act=act: act)
        with pytest.raises(BaseException, match="panic") as raised:
            memoryview(piece)
        assert type(raised.value).__name__ == "PanicException"
        assert whole.views() == 0
    whole.ask(lambda: memoryview(piece))
    with pytest.raises(RecursionError):
        memoryview(piece)
    whole.ask(lambda: "detach")
    assert memoryview(piece).tolist() == [2]
    assert whole.views() == 0


def test_a_panic_of_the_whole_is_reported_once(capfd):
    piece = ShapedsPiece(Shaped([1], lambda: "panic"), 0)
    with pytest.raises(BaseException, match="the shape panics"):
        memoryview(piece)
    # PyO3 would print a second report if it turned the exception back into a panic.
    said = capfd.readouterr().err
    assert said.count("the shape panics") == 1
    assert "PyO3" not in said


def test_a_part_of_what_is_read_only_at_run_time_counts_as_a_reader():
    answers = [True]
    whole = Decided([1, 2, 3], lambda: answers[0])
    piece = DecidedsPiece(whole, 4)
    with memoryview(piece) as view:
        assert (view.readonly, whole.views(), whole.sum()) == (True, 1, 6)
        with pytest.raises(BufferError, match="read-only"):
            edges.request(piece, FULL)
        # The decision for the first view is valid until the last view is released.
        answers[0] = False
        assert memoryview(piece).readonly
    with memoryview(piece) as view, pytest.raises(BufferError, match="cannot read"):
        assert not view.readonly
        whole.sum()
    assert whole.views() == 0


def test_a_read_only_part_never_keeps_a_reader_out():
    whole = Decided([1, 2, 3], lambda: False)
    # The shape of the part reads the whole while the part is viewed.
    piece = edges.ReadOnlyPiece(whole, lambda: whole.sum() // 3)
    with memoryview(piece) as view:
        assert (view.tolist(), view.readonly, whole.sum()) == ([1, 2], True, 6)
    assert whole.views() == 0


@pytest.mark.parametrize("parted", [False, True])
def test_a_cycle_of_a_whole_a_part_and_views_of_both_is_collected(parted):
    class Whole(Owner):
        pass

    class Piece(OwnersPiece):
        pass

    tally = Tally()
    whole = Whole([1, 2, 3], tally)
    piece = Piece(whole, 4)
    whole.piece, whole.view, piece.view = piece, memoryview(piece), memoryview(whole)
    if parted:
        edges.replace(whole, [4])
    gone = weakref.ref(whole), weakref.ref(piece)
    del whole, piece
    gc.collect()
    assert [object() for object in gone] == [None, None]
    assert tally.drops == 1


def test_a_part_is_released_inside_mutable_borrows_of_itself_and_of_its_whole(owner, piece):
    view, other = memoryview(piece), memoryview(piece)
    piece.call_borrowed(view.release)
    assert owner.views() == 1
    # After that release, the owner may grow.
    owner.call_then_grow(other.release)
    assert memoryview(owner).tolist() == [1, 2, 3, 1]

    def ask():
        with pytest.raises(BufferError, match="`Owner` is mutably borrowed"):
            memoryview(piece)

    owner.call_then_grow(ask)


def patiently(refused, act, *arguments):
    """The result of `act`, which other threads may keep from its object if there is no GIL."""
    while True:
        try:
            return act(*arguments)
        except refused as refusal:
            if HAS_GIL or "borrowed" not in str(refusal):
                raise


def test_parts_are_viewed_on_many_threads_while_their_cell_goes():
    # Views end on any thread, in any order. The last one frees the memory.
    tally = Tally()
    rounds, failures = 30, []

    def hammer(piece, start):
        try:
            start.wait()
            for _ in range(50):
                with patiently(BufferError, memoryview, piece) as view:
                    assert view[0] in (2, 9)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    for _ in range(rounds):
        owner = Owner([1, 2, 3], tally)
        piece = OwnersPiece(owner, 4)
        start = threading.Barrier(4)
        threads = [threading.Thread(target=hammer, args=(piece, start)) for _ in range(3)]
        for thread in threads:
            thread.start()
        start.wait()
        with memoryview(piece):
            # `swap` alternates with the other threads' requests, which borrow `owner`.
            patiently(RuntimeError, edges.swap, owner, TableOwner([9, 9, 9, 9], tally))
        for thread in threads:
            thread.join(60)
        assert owner.views() == 0
    del owner, piece, threads
    gc.collect()
    assert not failures
    assert tally.drops == 2 * rounds


@since_312
def test_python_code_that_calls_the_slots_of_a_part_releases_it_once(owner, piece):
    view = piece.__buffer__(FULL)
    assert (view.tolist(), owner.views()) == ([2], 1)
    with pytest.raises(ValueError, match="not this object"):
        piece.__release_buffer__(memoryview(owner))
    piece.__release_buffer__(view)
    assert owner.views() == 0
    for _ in range(2):
        with pytest.raises(ValueError, match="already been released"):
            piece.__release_buffer__(view)
    del view
    assert owner.views() == 0


@since_312
def test_subclasses_of_a_part_may_override_its_slots(owner):
    seen = []

    class Both(OwnersPiece):
        def __buffer__(self, flags):
            return super().__buffer__(flags)

        def __release_buffer__(self, view):
            seen.append(view.tolist())

    class Release(OwnersPiece):
        def __release_buffer__(self, view):
            seen.append(view.tolist())
            super().__release_buffer__(view)

    for make in (Both, Release):
        piece = make(owner, 4)
        view = memoryview(piece)
        assert owner.views() == 1
        view.release()
        assert owner.views() == 0
        array = np.asarray(piece)
        assert owner.views() == 1
        del array
        assert owner.views() == 0
    assert seen == [[2]] * 4


@pytest.mark.parametrize("foreign", [edges.ForeignWithoutRelease, edges.ForeignWithInternal, edges.ForeignWithRelease])
def test_foreign_views_of_a_part_are_left_alone(owner, foreign):
    theirs_first = type("TheirsFirst", (foreign, OwnersPiece), {})(owner, 4)
    with memoryview(theirs_first) as view:
        assert (bytes(view), owner.views()) == (b"foreign", 0)
    ours_first = type("OursFirst", (OwnersPiece, foreign), {})(owner, 4)
    with memoryview(ours_first) as view:
        assert (view.tolist(), owner.views()) == ([2], 1)
        if sys.version_info >= (3, 12):
            foreign.__buffer__(ours_first, SIMPLE).release()
            assert owner.views() == 1
    assert owner.views() == 0
