"""Storages whose drop runs user code: code that re-enters, takes long, or panics."""

import sys
import threading
from ctypes import byref

import pytest
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Owner, ReadOnlyOwner, Series, Shaped, Tally
from dltensor import versioned
from pybuffer import FORMAT, FULL_RO, STABLE, WRITABLE, View, release_buffer


def test_a_drop_may_view_and_replace_and_drop_cells():
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


def test_a_slow_drop_delays_no_other_cell():
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


def test_a_panicking_drop_does_not_keep_other_cells_from_being_freed():
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


@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("flags", [FULL_RO, FULL_RO | STABLE])
def test_a_drop_that_releases_the_same_view_again(flags, drained):
    """As a mistaken consumer in C may: CPython clears `obj` of the view only after the exporter's release."""
    tally = Tally()
    m = Owner([1, 2], tally, lambda: release_buffer(byref(view._buffer)))
    view = View(m, flags)
    edges.part(m).drop_here()
    if drained:
        memoryview(Owner([3])).release()
    before = sys.getrefcount(m)
    view.release()
    assert (tally.drops, sys.getrefcount(m)) == (1, before - 1)
    memoryview(m).release()


def viewed(m):
    memoryview(m).release()
    return m


def refused(m, flags):
    with pytest.raises(BufferError):
        View(m, flags)


def orphaned():
    m = Owner([1])
    view = memoryview(m)
    edges.part(m).drop_here()
    # Now the view frees the memory by itself.
    memoryview(Owner([3])).release()
    return m, view


# What each operation is done with, and the operation. Its result is kept: the end of a view frees blocks as well.
FREEING = {
    "first view": (lambda: Series([1.0]), memoryview),
    "refused first view": (lambda: ReadOnlyOwner([1]), lambda m: refused(m, WRITABLE)),
    "refused view": (lambda: viewed(Series([1.0])), lambda m: refused(m, FORMAT)),
    "view of a part": (lambda: layouts.Whole(bytes(48), 3).row(0), memoryview),
    "refused view of a part": (lambda: viewed(layouts.Whole(bytes(48), 3).row(0)), lambda m: refused(m, FORMAT)),
    "expression": (lambda: Shaped([1, 2], lambda: 2), memoryview),
    "first tensor": (lambda: Series([1.0]), versioned),
    "tensor": (lambda: viewed(Series([1.0])), versioned),
    "copied tensor": (lambda: viewed(Series([1.0])), lambda m: versioned(m, copy=True)),
    "refused tensor": (lambda: edges.Several().rows, lambda m: pytest.raises(BufferError, m.__dlpack__)),
    "cell": (lambda: [Owner([1])], list.clear),
    "last view of a dropped cell": (orphaned, lambda m_and_view: m_and_view[1].release()),
}


@pytest.mark.parametrize("make, act", FREEING.values(), ids=FREEING)
def test_operations_that_free_a_storage_whose_last_tensor_has_ended(make, act):
    versioned(Series([1.0])).delete()
    m = make()
    tally = Tally()
    owner = Owner([1], tally)
    tensor = versioned(owner)
    del owner
    tensor.delete()
    assert tally.drops == 0
    kept = act(m)
    assert tally.drops == 1
    del kept
