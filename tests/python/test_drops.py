"""Storages whose drop runs user code: code that re-enters, takes long, or panics."""

import sys
import threading

import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, Tally


def test_a_drop_that_comes_back_finds_everything_in_order():
    tally = Tally()
    other = Owner([7, 8], tally)
    other_view = memoryview(other)
    edges.part(other).drop_here()

    def last_act():
        # Releases the last view of another block, makes views, replaces a cell, and drops further cells.
        other_view.release()
        edges.replace(m, [9])
        with memoryview(m) as view:
            assert view.tolist() == [9]
        late = Owner([1], tally)
        late_view = memoryview(late)
        edges.part(late).drop_here()
        late_view.release()
        seen.append(tally.drops)

    seen = []
    m = Owner([1, 2], tally, last_act)
    view = memoryview(m)
    edges.part(m).drop_here()
    view.release()
    assert (seen, tally.drops) == ([3], 3)


def test_a_drop_that_takes_long_holds_up_no_other_cell():
    begun, go_on = threading.Event(), threading.Event()
    slow, quick = Tally(), Tally()
    owners = [Owner([1], quick), Owner([2], slow, lambda: (begun.set(), go_on.wait(60))), Owner([3], quick)]
    views = [memoryview(m) for m in owners]
    for m in owners:
        edges.part(m).drop_here()
    releaser = threading.Thread(target=views[1].release)
    releaser.start()
    try:
        assert begun.wait(60)
        # `views[1]` was the last view of its cell. These are the last views of theirs.
        views[0].release()
        views[2].release()
        assert (slow.drops, quick.drops) == (1, 2)
    finally:
        go_on.set()
        releaser.join(60)


@pytest.mark.parametrize("end", ["panic", "panic twice"])
def test_a_drop_that_panics_is_reported_and_frees_the_block(end):
    unraisable = []
    before, sys.unraisablehook = sys.unraisablehook, lambda hook: unraisable.append(hook.exc_type.__name__)
    try:
        tally = Tally()
        m = Owner([1, 2], tally, end)
        view = memoryview(m)
        edges.part(m).drop_here()
        view.release()
    finally:
        sys.unraisablehook = before
    assert (tally.drops, unraisable) == (1, ["PanicException"])


def test_one_drop_that_panics_keeps_no_other_cell_from_its_end():
    before, sys.unraisablehook = sys.unraisablehook, lambda hook: None
    try:
        tally = Tally()
        owners = [Owner([number], tally, "panic" if number % 2 else None) for number in range(10)]
        views = [memoryview(m) for m in owners]
        for m in owners:
            edges.part(m).drop_here()
        for view in views:
            view.release()
    finally:
        sys.unraisablehook = before
    assert tally.drops == 10
