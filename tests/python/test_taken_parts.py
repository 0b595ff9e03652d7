"""Parts of an object's memory that methods make: `Part`."""

import gc

import numpy as np
import pytest
from buffer_tests_ext import edges
from pybuffer import FULL, FULL_RO, View, ask
from test_requests import answers, differences


@pytest.fixture
def several():
    return edges.Several()


def matrix(several):
    return np.asarray(several.matrix)


def test_a_part_shows_the_same_memory(several):
    whole = matrix(several)
    for part, expected in [
        (several.column(1), whole[:, 1]),
        (several.block(0, 3, 2), whole[:, 0:3:2]),
        (several.block(0, 3, -1), whole[:, ::-1]),
        (several.block(1, 1, 1), whole[:, 1:1]),
        (several.turned(), whole.T),
    ]:
        shown = np.asarray(part)
        assert (shown.shape, shown.tolist()) == (expected.shape, expected.tolist())
        if shown.size:
            assert np.shares_memory(shown, whole)
            shown[...] += 1
            assert (shown == expected).all()
    assert np.asarray(several.reshaped([4, 1])).shape == (4, 1)


def test_views_of_a_part_count_in_the_lock_of_the_field(several):
    part = several.column(0)
    several.grow_cells()
    view = memoryview(part)
    assert (several.matrix.views, part.views) == (1, 1)
    several.grow_values()
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        several.grow_cells()
    view.release()
    several.grow_cells()


def test_a_part_keeps_its_layout(several):
    part = several.first_values(2)
    assert (part.shape, len(part), list(part)) == ((2,), 2, [1, 2])
    several.grow_values()
    assert part.shape == (2,)
    several.shrink_values()
    with pytest.raises(BufferError, match="reach from byte 0 to byte 16 of a storage that has 0 bytes"):
        memoryview(part)
    assert "0 bytes" in repr(part)


def test_a_part_of_a_part_is_a_part_of_the_whole(several):
    part = edges.Several.part_of(edges.Several.part_of(several.values, 0, 3), 1, 3)
    assert list(part) == [2, 3]
    assert part.obj is several
    column = edges.Several.part_of(several.column(2), 1, 2)
    assert (list(column), column.strides) == ([5], (4,))
    assert repr(column) == "<Buffer of a part of Several.matrix: shape (1,), format 'i', writable>"


@pytest.mark.parametrize("sealed", [False, True])
def test_a_part_of_a_declared_part_is_a_part_of_the_whole(sealed):
    whole = edges.Whole()
    evens = edges.Evens(whole, sealed)
    part = evens.last()
    assert (list(part), part.obj is whole, part.readonly) == ([2], True, sealed)
    view = memoryview(part)
    assert whole.views() == 1
    del view
    columns = edges.Columns(whole)
    assert list(edges.Several.part_of(columns.odd, 1, 2)) == [3]


def test_a_part_of_a_part_that_is_declared_read_only_is_read_only():
    whole = edges.Whole()
    evens = edges.SealedEvens(whole)
    for part in (evens.all, evens.last(), edges.Several.part_of(evens.all, 0, 1)):
        assert (part.readonly, ask(part, FULL)) == (True, None)
        with pytest.raises(TypeError, match="read-only"):
            part[0] = 9
    assert list(evens.last()) == [2]


def test_access_is_that_of_the_field(several):
    part = several.sealed_part()
    assert (list(part), part.readonly) == ([4, 3, 2, 1], True)
    assert ask(part, FULL) is None
    assert ask(part, FULL_RO).readonly == 1
    values = several.first_values(2)
    assert several.with_guard("read", lambda: (values.readonly, ask(values, FULL))) == (True, None)
    made = several.with_guard("read", lambda: several.first_values(2))
    assert made.readonly is False


def test_parts_that_do_not_exist_are_refused(several):
    for make, error, text in [
        (lambda: several.column(3), IndexError, "index 3 is outside axis 1, which has 3 items"),
        (lambda: several.block(1, 4, 1), ValueError, r"the range 1\.\.4 is outside axis 1"),
        (lambda: several.block(0, 3, 0), ValueError, "the step along axis 1 is 0"),
        (lambda: several.reshaped([3]), ValueError, "the new shape has 3 items, but there are 4"),
        (lambda: several.wrong_part(), ValueError, "reach from byte 0 to byte 800"),
        (lambda: several.part_of_other_items(), ValueError, "its items have 4 bytes, but those of the whole have 8"),
        (lambda: several.hidden_part(), TypeError, r"not exported; write `#\[buffer\(get\)\]`"),
        (lambda: several.row(), BufferError, "rows that are allocated one by one"),
    ]:
        with pytest.raises(error, match=text):
            make()
        assert several.matrix.views == several.values.views == several.dyn.views == 0


def test_a_part_of_another_format_is_refused():
    # The size of an item changes after the part is made and before it is viewed.
    several = edges.Several("b")
    part = several.reshaped([8])
    assert part.format == "b"
    assert part.itemsize == 1


def test_a_part_is_refused_while_the_field_is_written(several):
    def check():
        with pytest.raises(BufferError, match="write guard is alive"):
            several.first_values(1)

    several.with_guard("write", check)


def test_a_part_outlives_its_object(several):
    part = several.column(1)
    del several
    gc.collect()
    view = memoryview(part)
    del part
    gc.collect()
    assert view.tolist() == [2, 3]


def test_a_part_of_a_closed_field(several):
    part = several.first_values(3)
    view = memoryview(several.first_values(1))
    with pytest.raises(BufferError, match="cannot close"):
        several.close_values()
    view.release()
    several.close_values()
    with pytest.raises(BufferError, match="closed"):
        memoryview(part)


PARTS = {
    "values": lambda several: several.values,
    "matrix": lambda several: several.matrix,
    "sealed": lambda several: several.sealed,
    "dyn": lambda several: several.dyn,
    "pinned": lambda several: several.pinned,
    "first_values": lambda several: several.first_values(2),
    "no_values": lambda several: several.first_values(0),
    "column": lambda several: several.column(1),
    "every_second_column": lambda several: several.block(0, 3, 2),
    "columns_reversed": lambda several: several.block(0, 3, -1),
    "no_columns": lambda several: several.block(1, 1, 1),
    "turned": lambda several: several.turned(),
    "reshaped": lambda several: several.reshaped([2, 1, 2]),
    "sealed_part": lambda several: several.sealed_part(),
    "part_of_a_part": lambda several: edges.Several.part_of(several.column(2), 1, 2),
    "declared_part": lambda several: edges.Evens(edges.Whole(), False),
    "declared_readonly": lambda several: edges.SealedEvens(edges.Whole()).all,
    "part_of_a_declared_part": lambda several: edges.Evens(edges.Whole(), True).last(),
    "property_of_a_part": lambda several: edges.Columns(edges.Whole()).odd,
}


def answers_but_for_content(exporter):
    """All answers without the memory itself, which differs in CPython's exporter."""
    return {flags: answer and answer._replace(buf=0, content=None) for flags, answer in answers(exporter).items()}


def like(testbuffer, part):
    """CPython's own exporter with the layout of the part."""
    with memoryview(part) as view:
        shape, strides, itemsize, format, readonly = view.shape, view.strides, view.itemsize, view.format, view.readonly
    reach = [(length - 1) * stride for length, stride in zip(shape, strides)] if 0 not in shape else []
    offset = -sum(step for step in reach if step < 0)
    count = (offset + sum(step for step in reach if step > 0)) // itemsize + 1
    flags = 0 if readonly else testbuffer.ND_WRITABLE
    return testbuffer.ndarray([0] * count, shape=shape, strides=strides, offset=offset, format=format, flags=flags)


@pytest.mark.parametrize("name", PARTS)
def test_every_request_of_a_property_or_part_gets_the_reference_answer(testbuffer, several, name):
    part = PARTS[name](several)
    theirs = answers_but_for_content(like(testbuffer, part))
    assert not differences(answers_but_for_content(part), theirs)
    # The answers are the same beside another view.
    with View(part, FULL_RO):
        assert not differences(answers_but_for_content(part), theirs)


@pytest.mark.parametrize("name", ["values", "first_values"])
def test_beside_a_read_guard_requests_get_the_answer_for_read_only_memory(testbuffer, several, name):
    def check():
        part = PARTS[name](several)
        assert not differences(answers_but_for_content(part), answers_but_for_content(like(testbuffer, part)))
        assert ask(part, FULL) is None

    several.with_guard("read", check)


def test_a_part_of_the_own_buffer_is_selected_like_one_of_a_property():
    whole = edges.Whole()
    head = whole.head(2)
    assert memoryview(head).tolist() == [0.0, 1.0]
    with memoryview(head):
        assert whole.views() == 1
