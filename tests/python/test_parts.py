"""Objects that export a part of another object's memory, under that object's lock and count."""

import gc
import itertools
import random
import sys

import numpy as np
import pytest
from buffer_tests_ext import layouts
from pybuffer import FULL, FULL_RO, READ, SIMPLE, WRITE, View, ask
from test_requests import answers, described, differences
from test_strided import CONTENT, SIZE, VALUES, items_of, ndarray, random_layouts

MATRIX = VALUES.reshape(6, 4)


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
    # The whole can still be viewed, with its own layout.
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
    # They count as read-only views, so Rust may read at the same time.
    views = memoryview(readonly), memoryview(overlapping)
    assert whole.sum() == VALUES.sum()
    with pytest.raises(BufferError, match="cannot resize: 2 read-only views are alive"):
        whole.replace(b"")
    del views
    whole.replace(b"")


@pytest.mark.parametrize("flags", [READ, WRITE])
def test_flags_of_another_function_are_no_request_of_a_part(whole, flags):
    # From 3.13 on, `PyObject_GetBuffer` checks for these flags. A request by Python code still reaches the slot.
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
    with pytest.raises(BufferError, match="`format` is for the bytes of another object, but its items have the format"):
        memoryview(layouts.Reinterpreted(whole))
    assert whole.views() == 0


def test_separate_rows_have_no_parts():
    rows = layouts.SeparateRows()
    with pytest.raises(BufferError, match="allocated one by one"):
        memoryview(rows.part())
    assert rows.views() == 0


def test_an_exception_of_a_declaration_propagates_and_leaves_nothing_locked():
    m = layouts.Bytes(list(range(16)))
    field = m.field("H", 0)

    def interrupt():
        # No view is held while the declaration of the part is evaluated.
        assert m.views() == 0
        raise KeyboardInterrupt

    field.before_format(interrupt)
    with pytest.raises(KeyboardInterrupt):
        memoryview(field)
    assert m.views() == 0
    assert memoryview(field)[()] == 256


def test_a_part_is_checked_against_the_cell_after_its_declaration_ran():
    m = layouts.Bytes(list(range(16)))
    field = m.field("H", 4)
    field.before_format(m.drop_cell)
    with pytest.raises(BufferError, match="outside the storage, which has 0 bytes"):
        memoryview(field)
    assert m.views() == 0
    # A refusal leaves no view behind, even if the declaration made one.
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
