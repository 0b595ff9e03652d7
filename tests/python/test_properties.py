"""Classes with several exported fields: `#[buffer(get)]` makes a property of each."""

import gc
import itertools
import sys
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges
from pybuffer import FULL, FULL_RO, SIMPLE, ask
from test_requests import answers, described, differences

FIELDS = ("values", "matrix", "sealed", "dyn", "pinned", "rows")


@pytest.fixture
def several():
    return edges.Several()


def test_each_field_is_a_buffer_of_its_own(several):
    assert np.asarray(several.values).tolist() == [1, 2, 3]
    assert np.asarray(several.matrix).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert np.asarray(several.sealed).tolist() == [1, 2, 3, 4]
    assert np.asarray(several.dyn).tolist() == [[0x100, 0x302], [0x504, 0x706]]
    assert np.asarray(several.pinned).tolist() == [5, 6]
    assert memoryview(several.rows).tolist() == [[1, 2], [3, 4]]
    np.asarray(several.values)[0] = 9
    assert np.asarray(several).tolist() == [9, 2, 3]


def test_the_attributes_are_those_of_a_memoryview(several):
    for field in FIELDS:
        prop, view = getattr(several, field), memoryview(getattr(several, field))
        for name in ("shape", "strides", "format", "itemsize", "nbytes", "ndim", "readonly"):
            assert getattr(prop, name) == getattr(view, name), (field, name)
        assert len(prop) == len(view)
        view.release()
        assert prop.views == 0
    assert several.values.obj is several


def test_a_property_is_indexed_and_iterated_as_a_memoryview(several):
    values = several.values
    assert (values[0], values[-1], list(values), 2.0 in values) == (1, 3, [1, 2, 3], True)
    values[1] = 7
    assert values[0:2].tolist() == [1, 7]
    values[1:3] = memoryview(np.array([5.0, 6.0]))
    assert values.views == 0
    assert list(values) == [1, 5, 6]
    assert several.matrix[1, 2] == 5
    with pytest.raises(IndexError):
        values[3]
    with pytest.raises(TypeError, match="read-only"):
        several.sealed[0] = 1
    with pytest.raises(TypeError, match="delete"):
        del values[0]
    assert (list(reversed(values)), values.views) == ([6, 5, 1], 0)
    kept = values[1:]
    assert values.views == 1
    assert kept.obj.views == 1
    with pytest.raises(BufferError, match="1 writable view is alive"):
        several.grow_values()
    del kept
    several.grow_values()


def test_a_view_refers_to_the_property_and_shows_the_same_field(several):
    view = memoryview(several.matrix)
    assert memoryview(view.obj) == view
    assert view.obj.views == 2 - 1  # the temporary memoryview has ended


def test_reading_attributes_locks_nothing(several):
    prop = several.values
    assert (repr(prop), prop.shape, len(prop)) == (
        "<Buffer of Several.values: shape (3,), format 'd', writable>",
        (3,),
        3,
    )
    several.grow_values()
    assert len(prop) == 4
    assert repr(several.sealed) == "<Buffer of Several.sealed: shape (4,), format 'B', read-only>"
    assert repr(several.matrix) == "<Buffer of Several.matrix: shape (2, 3), format 'i', writable>"


def test_reading_attributes_does_not_pin(several):
    prop = several.pinned
    assert (prop.shape, len(prop), prop.readonly, prop.views) == ((2,), 2, False, 0)
    assert "shape (2,)" in repr(prop)
    several.grow_pinned()
    memoryview(prop).release()
    with pytest.raises(BufferError, match="pinned"):
        several.grow_pinned()


def test_each_field_has_its_own_lock(several):
    view = memoryview(several.values)
    several.grow_cells()
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        several.grow_values()
    view.release()
    several.grow_values()


@pytest.mark.parametrize("viewed", ["values", "matrix"])
def test_of_two_locks_both_are_taken_or_none(several, viewed):
    view = memoryview(getattr(several, viewed))
    with pytest.raises(BufferError):
        several.grow_both()
    assert (len(several.values), several.matrix.shape) == (3, (2, 3))
    view.release()
    several.grow_both()
    assert (len(several.values), several.matrix.shape) == (4, (3, 3))


@pytest.mark.parametrize("first, second", list(itertools.product(("values", "matrix", "sealed", "dyn"), repeat=2)))
@pytest.mark.parametrize("order", [1, -1])
def test_any_two_fields_are_viewed_at_once(several, first, second, order):
    views = [memoryview(getattr(several, first)), memoryview(getattr(several, second))]
    expected = {first: 1, second: 1} if first != second else {first: 2}
    assert {field: getattr(several, field).views for field in expected} == expected
    for view in views[::order]:
        view.release()
    assert all(getattr(several, field).views == 0 for field in FIELDS)


def test_every_request_gets_the_answer_of_the_object(several):
    assert not differences(described(answers(several.values)), described(answers(several)))
    for field in FIELDS:
        granted = ask(getattr(several, field), FULL_RO)
        assert granted is not None
        assert granted.readonly == (field == "sealed")
        assert (ask(getattr(several, field), FULL) is None) == (field == "sealed")
        assert getattr(several, field).views == 0


def test_a_refused_view_raises_everywhere(several):
    def check():
        with pytest.raises(BufferError, match="write guard is alive"):
            memoryview(several.values)
        with pytest.raises(BufferError):
            np.asarray(several.values)
        with pytest.raises(BufferError):
            len(several.values)
        assert "write guard is alive" in repr(several.values)
        memoryview(several.matrix).release()

    several.with_guard("write", check)
    several.with_guard("share", lambda: memoryview(several.values).release())
    assert several.with_guard("read", lambda: memoryview(several.values).readonly)
    several.close_values()
    with pytest.raises(BufferError, match="closed"):
        memoryview(several.values)
    with pytest.raises(BufferError, match="closed"):
        several.values[0]
    assert "closed" in repr(several.values)


def test_an_exception_of_a_layout_propagates():
    broken = edges.Several("e")
    with pytest.raises(ValueError, match="no dims"):
        memoryview(broken.dyn)
    with pytest.raises(ValueError, match="no dims"):
        broken.dyn.shape  # noqa: B018
    assert repr(broken.dyn).endswith(": no dims>")
    assert len(broken.values) == 3


def test_showing_a_property_does_not_hide_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        repr(edges.Several("i").dyn)


def test_a_property_outlives_the_last_name_of_its_object(several):
    prop = several.values
    gone = weakref.ref(several) if hasattr(several, "__weakref__") else None
    del several
    gc.collect()
    assert gone is None or gone() is not None
    assert list(prop) == [1, 2, 3]
    view = memoryview(prop)
    del prop
    gc.collect()
    assert view.tolist() == [1, 2, 3]


def test_references_are_counted_once(several):
    before = sys.getrefcount(several)
    for _ in range(100):
        prop = several.values
        memoryview(prop).release()
        bytes(prop)
        ask(prop, SIMPLE)
        ask(several.sealed, FULL)
        del prop
    assert sys.getrefcount(several) == before


def test_the_documentation_is_that_of_the_field():
    assert edges.Several.values.__doc__ == "The values."
    assert edges.Several.matrix.__doc__ == "A matrix of a row of three.\n\nIn Fortran order."
    assert edges.Several.sealed.__doc__ is None
    with pytest.raises(AttributeError):
        edges.Several().values = 1


def test_a_subclass_may_override_a_property():
    class Sub(edges.Several):
        @property
        def values(self):
            return list(super().values)

    sub = Sub()
    sub.cycle = sub.matrix
    assert sub.values == [1, 2, 3]
    assert repr(sub.matrix).startswith("<Buffer of Sub.matrix:")
    view = memoryview(sub.matrix)
    gone = weakref.ref(sub)
    del sub, view
    gc.collect()
    assert gone() is None


def test_a_class_may_have_properties_alone():
    columns = edges.Columns(edges.Whole())
    with pytest.raises(TypeError):
        memoryview(columns)
    assert not hasattr(columns, "__array__")
    x, y = memoryview(columns.x), memoryview(columns.y)
    assert (x.tolist(), y.tolist()) == ([1, 2], [3, 4])


def test_swapped_cells_keep_their_views():
    columns = edges.Columns(edges.Whole())
    prop = columns.x
    view = memoryview(prop)
    columns.swap()
    assert (view.tolist(), list(columns.x), columns.y.views) == ([1, 2], [3, 4], 1)
    with pytest.raises(BufferError, match="still viewed through an object of another class, or another field"):
        memoryview(columns.y)
    assert list(prop) == [3, 4]
    columns.renew()
    assert list(prop) == [7]
    assert view.tolist() == [1, 2]
    view.release()


def test_a_property_of_a_mutably_borrowed_object_refuses():
    columns = edges.Columns(edges.Whole())
    prop = columns.x

    def check():
        with pytest.raises(BufferError, match="mutably borrowed"):
            memoryview(prop)
        with pytest.raises(BufferError, match="mutably borrowed"):
            prop.views  # noqa: B018

    columns.borrowed(check)
    assert list(prop) == [1, 2]


def test_a_property_may_show_a_part_of_another_object():
    whole = edges.Whole()
    columns = edges.Columns(whole)
    view = memoryview(columns.odd)
    assert view.tolist() == [1, 3]
    assert (whole.views(), columns.odd.views) == (1, 1)
    with pytest.raises(BufferError, match="cannot resize"):
        whole.grow()
    view.release()
    whole.grow()


def test_the_end_of_a_block_ends_the_view(several):
    with several.values.view() as view:
        assert view.tolist() == [1, 2, 3]
        with pytest.raises(BufferError):
            several.grow_values()
    several.grow_values()
