"""Objects that export a part of another object's memory, under that object's lock and count."""

import gc
import itertools
import pickle
import random
import sys
import threading
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
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
from pybuffer import FULL, FULL_RO, READ, SIMPLE, WRITE, View, ask
from test_requests import answers, described, differences
from test_strided import CONTENT, SIZE, VALUES, items_of, ndarray, random_layouts

MATRIX = VALUES.reshape(6, 4)

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code reaches the slots from 3.12 on")


@pytest.fixture
def whole():
    return layouts.Whole(CONTENT, 4)


def test_rows_columns_items_and_the_transposed_show_one_memory(whole):
    matrix = np.asarray(whole)
    row, column, transposed = map(np.asarray, (whole.row(2), whole.column(1), whole.transposed()))
    item = np.asarray(whole.item(2, 1))
    assert row.tolist() == MATRIX[2].tolist()
    assert column.tolist() == MATRIX[:, 1].tolist()
    assert transposed.tolist() == MATRIX.T.tolist()
    assert (item.shape, item[()]) == ((), MATRIX[2, 1])
    matrix[2, 1] = -7
    assert (row[1], column[2], transposed[1, 2], item[()]) == (-7, -7, -7, -7)
    item[()] = 70
    assert matrix[2, 1] == 70
    assert matrix.dtype == row.dtype == column.dtype == item.dtype


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_every_request_of_a_part_gets_the_reference_answer(testbuffer, whole, ndim):
    for shape, strides, offset in itertools.islice(random_layouts(ndim, seed=20 + ndim), 60):
        for readonly in (False, True):
            part = whole.part(shape, strides, offset, readonly)
            if items_of(shape, strides, offset) is None:
                assert ask(part, FULL_RO) is None
                continue
            ours = answers(part)
            really = bool(ask(part, FULL_RO).readonly)
            assert really >= readonly
            theirs = described(answers(ndarray(testbuffer, shape, strides, offset, really)))
            assert not differences(described(ours), theirs), (shape, strides, offset)
    assert whole.views() == 0


def test_each_view_of_a_part_counts_as_one_of_the_whole(whole):
    row, column = whole.row(0), whole.column(0)
    views = [memoryview(whole), memoryview(row), memoryview(column), memoryview(row)]
    for count in (4, 3, 2, 1):
        assert whole.views() == count
        with pytest.raises(BufferError, match=f"cannot resize: {count} writable view"):
            whole.replace(b"")
        views.pop(0 if count % 2 else -1).release()
    whole.replace(CONTENT * 2)
    assert memoryview(column).tolist() == [*MATRIX[:, 0], *MATRIX[:, 0]]


def test_a_view_of_a_part_alone_locks_the_whole(whole):
    child = np.asarray(whole.column(3))[1:]
    gc.collect()
    with pytest.raises(BufferError, match="1 writable view is alive"):
        whole.replace(b"")
    with pytest.raises(BufferError, match="cannot read"):
        whole.sum()
    assert child.tolist() == MATRIX[1:, 3].tolist()
    # Views of the whole begin beside it, and know their own layout.
    assert memoryview(whole).shape == (6, 4)
    del child
    assert whole.sum() == VALUES.sum()


def test_a_part_keeps_its_whole_and_a_view_keeps_its_part():
    whole = layouts.Whole(CONTENT, 4)
    row = whole.row(1)
    view = memoryview(row)
    assert view.obj is row
    del whole, row
    gc.collect()
    assert view.tolist() == MATRIX[1].tolist()


def test_a_part_that_no_longer_fits_is_refused_and_fits_again(whole):
    row = whole.row(4)
    assert memoryview(row).tolist() == MATRIX[4].tolist()
    whole.replace(CONTENT[: 4 * 4 * SIZE])
    with pytest.raises(BufferError, match="items reach from byte 64 to byte 80 of a storage that has 64 bytes"):
        memoryview(row)
    assert whole.views() == 0
    whole.replace(CONTENT)
    assert memoryview(row).tolist() == MATRIX[4].tolist()
    whole.close()
    with pytest.raises(BufferError, match="closed"):
        memoryview(row)


def test_what_is_wrong_with_the_whole_is_wrong_with_its_parts():
    whole = layouts.Whole(CONTENT, 5)
    with pytest.raises(BufferError, match="24 items"):
        memoryview(whole.part([1], [4], 0, False))


def test_read_only_parts_and_parts_of_read_only_wholes(whole):
    readonly = layouts.ReadOnlyPart(whole)
    first = layouts.ReadOnlyWhole(CONTENT).first()
    overlapping = whole.part([3, 2], [4, 4], 0, False)
    for part in (readonly, first, overlapping):
        with pytest.raises(BufferError, match="read-only"):
            View(part, FULL)
        assert ask(part, FULL_RO).readonly
        assert not np.asarray(part).flags.writeable
    assert whole.views() == 0
    # They count as what they are: Rust reads beside them.
    views = memoryview(readonly), memoryview(overlapping)
    assert whole.sum() == VALUES.sum()
    with pytest.raises(BufferError, match="cannot resize: 2 read-only views are alive"):
        whole.replace(b"")
    del views
    whole.replace(b"")


@pytest.mark.parametrize("flags", [READ, WRITE])
def test_flags_of_another_function_are_no_request_of_a_part(whole, flags):
    # From 3.13 on `PyObject_GetBuffer` looks for them itself; what Python code asks for reaches the slot.
    row = whole.row(0)
    request = row.__buffer__ if sys.version_info >= (3, 12) else lambda flags: View(row, flags)
    with pytest.raises(BufferError, match="PyBUF_READ"):
        request(flags)
    assert whole.views() == 0


def test_a_part_that_is_mutably_borrowed_is_refused(whole):
    transposed = whole.transposed()
    held = memoryview(transposed)

    def refused():
        with pytest.raises(BufferError, match="`Transposed` is mutably borrowed"):
            memoryview(transposed)
        held.release()
        assert whole.views() == 0

    transposed.borrowed(refused)
    assert memoryview(transposed).tolist() == MATRIX.T.tolist()


def test_a_part_may_turn_to_another_whole_while_it_is_viewed(whole):
    part = whole.transposed()
    view = memoryview(part)
    other = layouts.Whole(CONTENT[: 8 * SIZE], 4)
    part.turn_to(other)
    assert memoryview(part).shape == (4, 2)
    assert view.tolist() == MATRIX.T.tolist()
    assert whole.views() == 1
    view.release()
    assert (whole.views(), other.views()) == (0, 0)


def test_the_memory_outlives_a_cell_that_is_dropped_under_a_part():
    m = layouts.Bytes(list(range(16)))
    view = memoryview(m.field("H", 2))
    assert m.drop_cell() == 1
    assert view[()] == int.from_bytes(bytes([2, 3]), "little")
    view[()] = 9
    assert (view[()], m.views()) == (9, 0)
    view.release()


def test_a_part_of_bytes_has_a_format_of_its_own():
    m = layouts.Bytes(list(range(16)))
    for format, offset in [("B", 15), ("H", 3), (">I", 4), ("d", 8), ("T{H:a:>H:b:}", 5)]:
        field = m.field(format, offset)
        array = np.asarray(field)
        assert array.tobytes() == bytes(range(offset, offset + array.itemsize))
        assert memoryview(field).format == format
        del array
    with pytest.raises(BufferError, match="items reach from byte 14 to byte 18"):
        memoryview(m.field("I", 14))
    with pytest.raises(BufferError, match="cannot grant a view"):
        memoryview(m.field("nonsense", 0))
    for format in ("", "0s", "T{}"):
        with pytest.raises(BufferError, match="an item has 0 bytes, which no buffer can describe"):
            memoryview(m.field(format, 0))
    assert m.views() == 0


def test_a_format_needs_a_whole_of_bytes(whole):
    with pytest.raises(BufferError, match="the items of the whole are"):
        memoryview(layouts.Reinterpreted(whole))
    assert whole.views() == 0


def test_separate_rows_have_no_parts():
    rows = layouts.SeparateRows()
    with pytest.raises(BufferError, match="allocated one by one"):
        memoryview(rows.part())
    assert rows.views() == 0


def test_what_a_declaration_raises_propagates_and_leaves_nothing_locked():
    m = layouts.Bytes(list(range(16)))
    field = m.field("H", 0)

    def interrupt():
        # The whole is held while the part is found: it cannot change meanwhile.
        assert m.views() == 1
        raise KeyboardInterrupt

    field.before_format(interrupt)
    with pytest.raises(KeyboardInterrupt):
        memoryview(field)
    assert m.views() == 0
    assert memoryview(field)[()] == 256


def test_a_cell_that_is_dropped_while_a_part_is_found_lives_as_long_as_the_view():
    m = layouts.Bytes(list(range(16)))
    field = m.field("H", 4)
    field.before_format(m.drop_cell)
    view = memoryview(field)
    assert (view[()], m.views()) == (4 + 256 * 5, 0)
    view.release()
    # And no longer than the request, where that is refused.
    outside = layouts.Bytes(list(range(16))).field("d", 12)
    outside.before_format(lambda: memoryview(outside).release())
    with pytest.raises(BufferError, match="items reach"):
        memoryview(outside)


def test_a_declaration_that_views_its_own_part_ends_in_an_exception():
    m = layouts.Bytes(list(range(16)))
    field = m.field("H", 0)

    def again():
        field.before_format(again)
        return memoryview(field)

    field.before_format(again)
    with pytest.raises(RecursionError):
        memoryview(field)
    assert m.views() == 0


def test_parts_are_requested_and_released_in_any_order(whole):
    chance = random.Random(1)
    parts = [whole, whole.row(1), whole.column(2), whole.item(0, 0), whole.transposed()]
    held = []
    for _ in range(2000):
        if held and chance.random() < 0.5:
            held.pop(chance.randrange(len(held))).release()
        else:
            part = chance.choice(parts)
            view = View(part, chance.choice([FULL, FULL_RO]))
            held.append(view)
            assert view.answer().shape == ask(part, FULL_RO).shape
        assert whole.views() == len(held)
    for view in held:
        view.release()
    assert whole.views() == 0
    assert ask(whole.row(0), SIMPLE).content == CONTENT[: 4 * SIZE]


@pytest.fixture
def owner():
    return Owner([1, 2, 3])


@pytest.fixture
def piece(owner):
    return OwnersPiece(owner, 4)


def test_a_refused_part_leaves_no_object_in_the_view(owner):
    # `request` fills `obj` with garbage before, and looks after a refusal.
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
    # The other class's layout is in place until the view ends.
    for seen in (table, of_table):
        with pytest.raises(BufferError, match="through an object of another class"):
            memoryview(seen)
    assert (view.tolist(), owner.views(), table.views()) == ([2], 0, 1)
    view.release()
    assert (memoryview(of_table).tolist(), memoryview(table).tolist()) == ([2], [[1, 2], [3, 4]])
    assert table.views() == 0


def test_what_the_layout_of_the_whole_raises_is_raised_for_the_part():
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
    # PyO3 would have more to say if it resumed the panic that had become an exception.
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
        # What was decided for the first view stays so until the last.
        answers[0] = False
        assert memoryview(piece).readonly
    with memoryview(piece) as view, pytest.raises(BufferError, match="cannot read"):
        assert not view.readonly
        whole.sum()
    assert whole.views() == 0


def test_a_read_only_part_never_keeps_a_reader_out():
    whole = Decided([1, 2, 3], lambda: False)
    # Its own shape reads, while the whole is held for it.
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
    # Then nothing keeps it from growing.
    owner.call_then_grow(other.release)
    assert memoryview(owner).tolist() == [1, 2, 3, 1]

    def ask():
        with pytest.raises(BufferError, match="`Owner` is mutably borrowed"):
            memoryview(piece)

    owner.call_then_grow(ask)


def test_parts_are_viewed_on_many_threads_while_their_cell_goes():
    # Views end everywhere, in any order, and the memory with the last.
    tally = Tally()
    rounds, failures = 30, []

    def hammer(piece, start):
        try:
            start.wait()
            for _ in range(50):
                with memoryview(piece) as view:
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
            # In turn with the other threads' requests, which borrow it.
            edges.swap(owner, TableOwner([9, 9, 9, 9], tally))
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
