"""A table whose columns are buffers of their own."""

import gc
import importlib.util
import pathlib
import weakref

import numpy as np
import pytest
from table import Table

HERE = pathlib.Path(__file__).parents[1]


def make():
    table = Table()
    for time in range(5):
        table.append(time, time / 2)
    return table


@pytest.fixture
def table():
    return make()


def test_columns_are_arrays_of_their_own_type(table):
    time, value = np.asarray(table.time), np.asarray(table.value)
    assert (time.dtype, value.dtype) == (np.int64, np.float64)
    assert (time.tolist(), value.tolist()) == ([0, 1, 2, 3, 4], [0, 0.5, 1, 1.5, 2])
    assert len(table) == len(table.time) == len(table.value) == 5
    value[1] = 7
    assert table.value[1] == 7
    assert repr(table) == "<Table of 5 rows>"


@pytest.mark.parametrize("column", ["time", "value"])
@pytest.mark.parametrize("change", [lambda table: table.append(9, 9), lambda table: table.clear()])
def test_while_a_column_is_viewed_neither_changes(table, column, change):
    view = memoryview(getattr(table, column))
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        change(table)
    assert (list(table.time), list(table.value)) == ([0, 1, 2, 3, 4], [0, 0.5, 1, 1.5, 2])
    view.release()
    change(table)
    assert len(table) in (0, 6) and len(table.time) == len(table.value)


def test_rows_are_parts_of_both_columns(table):
    rows = table.rows(1, 3)
    assert (len(rows), list(rows.time), list(rows.value)) == (2, [1, 2], [0.5, 1])
    np.asarray(rows.value)[:] = -1
    assert list(table.value) == [0, -1, -1, 1.5, 2]
    table.append(5, 5)
    assert list(rows.time) == [1, 2]
    view = memoryview(rows.time)
    with pytest.raises(BufferError):
        table.append(6, 6)
    del view
    table.clear()
    with pytest.raises(BufferError, match="outside the storage, which has 0 bytes"):
        memoryview(rows.time)
    assert len(table.rows(0, 0)) == 0


@pytest.mark.parametrize("start, stop", [(0, 6), (3, 2), (6, 6)])
def test_rows_that_do_not_exist(table, start, stop):
    with pytest.raises(ValueError, match=rf"the range {start}\.\.{stop} is outside axis 0, which has 5 items"):
        table.rows(start, stop)


def test_a_column_keeps_its_table():
    table = make()
    column, gone = table.value, weakref.ref(table)
    del table
    gc.collect()
    assert list(column) == [0, 0.5, 1, 1.5, 2]
    view = memoryview(column)
    del column
    assert view[4] == 2
    del view
    gc.collect()
    assert gone() is None


def test_the_demo(capsys):
    spec = importlib.util.spec_from_file_location("demo", HERE / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.main()
    shown = capsys.readouterr().out
    assert "<Buffer of Table.time: shape (1000,), format " in shown
    assert "append: cannot resize: 1 writable view is alive" in shown
    assert shown.endswith("<Table of 1001 rows>\n")
