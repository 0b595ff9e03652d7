"""Cells that are moved out of their objects while they are viewed: swapped, replaced, dropped, on any thread."""

import gc
import threading
import weakref

import apart
import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Child, Owner, Parent, ReadOnlyOwner, TableOwner, Tally
from messages import HINT
from pythons import since_312

PyBUF_FULL = 0x11D

OWNERS = [Owner, ReadOnlyOwner, TableOwner]
all_owners = pytest.mark.parametrize("make", OWNERS)


def viewed(make, values, tally):
    """An object, a memoryview of it, and an array of it."""
    m = make(values, tally)
    return m, memoryview(m), np.asarray(m)


@all_owners
def test_a_replaced_cell_lives_as_long_as_its_last_view(make):
    tally = Tally()
    m, view, array = viewed(make, [1, 2, 3, 4], tally)
    edges.replace(m, [5, 6])
    assert (tally.drops, m.views()) == (0, 0)
    with memoryview(m) as new:
        assert np.asarray(new).ravel().tolist() == [5, 6]
    edges.grow(m, 7)

    assert view.tobytes() == array.tobytes() == np.array([1, 2, 3, 4], np.int32).tobytes()
    view.release()
    assert tally.drops == 0
    assert array.ravel().tolist() == [1, 2, 3, 4]
    del array
    assert (tally.drops, m.views()) == (1, 0)


@all_owners
def test_an_object_lives_as_long_as_its_last_view(make):
    tally = Tally()
    m, view, array = viewed(make, [1, 2], tally)
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone().views() == 2
    view.release()
    assert (gone().views(), tally.drops) == (1, 0)
    assert array.ravel().tolist() == [1, 2]
    del array
    assert (gone(), tally.drops) == (None, 1)


def test_a_dying_object_leaves_a_replaced_cell_alone():
    old, new = Tally(), Tally()
    m, other = Owner([1, 2], old), Owner([3, 4], new)
    view = edges.request(m, PyBUF_FULL)
    edges.swap(m, other)
    del other
    # The view keeps its object alive, but the object has another cell now. The viewed cell has no owner.
    assert (old.drops, new.drops) == (0, 0)
    assert view.tobytes() == np.array([1, 2], np.int32).tobytes()
    del m
    view.release()
    assert (old.drops, new.drops) == (1, 1)


def test_swapped_cells_keep_their_views_and_their_counts():
    one, other = Tally(), Tally()
    a, b = Owner([1, 2, 3], one), Owner([4], other)
    of_a, of_b = memoryview(a), memoryview(b)
    edges.swap(a, b)
    assert (of_a.tolist(), of_b.tolist()) == ([1, 2, 3], [4])
    assert (memoryview(a).tolist(), memoryview(b).tolist()) == ([4], [1, 2, 3])

    # `of_a` shows the memory that belongs to `b` now, and keeps that memory in place.
    of_b.release()
    edges.grow(a, 5)
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        edges.grow(b, 5)
    of_a.release()
    edges.grow(b, 5)
    assert (memoryview(a).tolist(), memoryview(b).tolist()) == ([4, 5], [1, 2, 3, 5])
    del a, b
    assert (one.drops, other.drops) == (1, 1)


def test_an_object_that_dies_on_another_thread_leaves_the_views_of_its_cell():
    tally = Tally()
    m, others = Owner([1, 2, 3], tally), [Owner([4])]
    view = memoryview(m)
    edges.swap(m, others[0])
    killer = threading.Thread(target=others.clear)
    killer.start()
    killer.join(60)
    gc.collect()
    assert (tally.drops, view.tolist()) == (0, [1, 2, 3])
    view.release()
    assert tally.drops == 1


FOREIGN_LAYOUT = (
    "cannot grant a view: the memory is still viewed through an object of another class, or another field; release "
    "those views first"
)


@pytest.mark.parametrize("first", OWNERS)
@pytest.mark.parametrize("second", OWNERS)
def test_a_view_joins_only_a_layout_of_its_own_class(first, second):
    a, b = first([1, 2, 3, 4]), second([5, 6])
    view = memoryview(a)
    shown = view.tolist()
    edges.swap(a, b)
    if first is second:
        with memoryview(b) as joined:
            assert joined.tolist() == shown
    else:
        for _ in range(3):
            with pytest.raises(BufferError) as refusal:
                memoryview(b)
            assert str(refusal.value) == FOREIGN_LAYOUT
    assert (b.views(), view.tolist()) == (1, shown)

    # The other cell had no view, so its next view gets the layout of its new class.
    with memoryview(a) as mine:
        assert (mine.ndim, mine.readonly) == (2 if first is TableOwner else 1, first is ReadOnlyOwner)
    view.release()
    with memoryview(b) as mine:
        assert (mine.ndim, mine.readonly) == (2 if second is TableOwner else 1, second is ReadOnlyOwner)


def test_layouts_of_two_classes_take_turns_in_one_block():
    a, b = Owner([1, 2, 3, 4]), TableOwner([5, 6])
    for _ in range(4):
        for m in (a, b):
            with memoryview(m) as view, memoryview(m) as other:
                assert view.tolist() == other.tolist()
                assert view.ndim == (2 if m is b else 1)
        edges.swap(a, b)


def test_a_read_only_views_memory_is_not_written_through_a_cell_that_was_swapped():
    a, b = ReadOnlyOwner([1, 2]), Owner([3, 4])
    array = np.asarray(a)
    edges.swap(a, b)
    with pytest.raises(BufferError, match="viewed through an object of another class, or another field"):
        np.asarray(b)
    assert (array.flags.writeable, array.tolist()) == (False, [1, 2])


ENDS = ["drop_here", "drop_detached"]


@pytest.mark.parametrize("end", ENDS)
def test_a_parted_cell_ends_before_its_last_view(end):
    tally = Tally()
    m, view, array = viewed(Owner, [1, 2, 3], tally)
    parted = edges.part(m)
    assert parted.views() == 2
    getattr(parted, end)()
    del m
    assert tally.drops == 0
    assert view.tolist() == array.tolist() == [1, 2, 3]
    view.release()
    assert tally.drops == 0
    del array
    assert tally.drops == 1


@pytest.mark.parametrize("end", ["drop_on_joined_thread", "drop_under_contended_mutex"])
def test_dropping_a_viewed_cell_does_not_block(end):
    apart.run(
        """
import sys
from buffer_tests_ext import edges
for last_view in ("before", "after"):
    tally = edges.Tally()
    m = edges.Owner([1, 2, 3], tally)
    view = memoryview(m)
    parted = edges.part(m)
    if last_view == "before":
        view.release()
    getattr(parted, sys.argv[1])()
    if last_view == "after":
        assert tally.drops == 0
        assert view.tolist() == [1, 2, 3]
        view.release()
    assert tally.drops == 1
""",
        end,
    )


def test_cells_dropped_by_racing_threads_are_freed_once_each():
    tally = Tally()
    owners = [Owner([number, 0], tally) for number in range(400)]
    views = [memoryview(m) for m in owners]
    parted = [edges.part(m) for m in owners]
    # Half of the views are released while the cells are dropped.
    racing, staying = views[::2], views[1::2]
    releaser = threading.Thread(target=lambda: [view.release() for view in racing])
    releaser.start()
    edges.drop_on_racing_threads(parted, 4)
    releaser.join(60)
    assert [view[0] for view in staying] == list(range(1, 400, 2))
    # Some orphans lost their views before the queue of orphans was drained. These releases drain it, and free them.
    for view in staying:
        view.release()
    assert tally.drops == 400


def test_a_parted_cell_changes_only_without_views():
    m = Owner([1, 2])
    view = memoryview(m)
    parted = edges.part(m)
    for change in (parted.grow, parted.grow_detached):
        with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
            change(3)
    with pytest.raises(BufferError) as refusal:
        parted.unwrap()
    assert (
        str(refusal.value)
        == f"cannot take the storage: 1 writable view is alive; release or delete every view first{HINT}"
    )
    assert (parted.views(), view.tolist()) == (1, [1, 2])
    view.release()
    assert (parted.grow(3), parted.grow_detached(4)) == (3, 4)
    assert parted.unwrap() == [1, 2, 3, 4]


def test_a_storage_taken_out_is_dropped_by_its_taker_alone():
    tally = Tally()
    m = Owner([1, 2], tally)
    assert m.close() == 2
    assert tally.drops == 1
    del m
    assert tally.drops == 1
    m = Owner([1, 2], tally)
    assert edges.part(m).unwrap() == [1, 2]
    assert tally.drops == 2


def test_what_a_storage_holds_dies_with_the_last_view():
    class K:
        pass

    k = K()
    gone = weakref.ref(k)
    m = Owner([1], None, None, k)
    del k
    view = edges.request(m, PyBUF_FULL)
    edges.replace(m, [2])
    gc.collect()
    assert gone() is not None
    view.release()
    assert gone() is None


def test_the_last_view_of_a_parted_cell_may_be_the_only_thing_that_holds_its_object():
    tally = Tally()
    died = []
    m = Owner([1, 2], tally, lambda: died.append(threading.current_thread().name))
    view = memoryview(m)
    edges.part(m).drop_here()
    del m
    releaser = threading.Thread(target=view.release, name="releaser")
    releaser.start()
    releaser.join(60)
    assert (tally.drops, died) == (1, ["releaser"])


@pytest.mark.parametrize("noticed", [False, True])
def test_the_last_view_may_end_on_a_thread_of_a_program_that_embeds_python(noticed):
    tally = Tally()
    m = Owner([1, 2], tally, lambda: None)
    view = edges.request(m, PyBUF_FULL)
    edges.replace(m, [3])
    if noticed:
        # A shape with user code takes the path that drains the orphan queue: viewed cells whose owner was dropped.
        edges.request(edges.Shaped([1]), PyBUF_FULL)
    view.release_on_embedders_thread()
    assert tally.drops == 1


@since_312
@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("owner_first", [False, True])
def test_a_bases_view_of_a_child_ends_the_bases_storage(replaced, owner_first):
    parents, owns = Tally(), Tally()
    child = Child([1, 2], parents, [3.0], owns)
    of_base = Parent.__buffer__(child, PyBUF_FULL)
    own = Child.__buffer__(child, PyBUF_FULL)
    assert (of_base.tolist(), own.tolist(), child.views()) == ([1, 2], [3.0], (1, 1))
    if replaced:
        child.replace_both()
        assert (parents.drops, owns.drops, child.views()) == (0, 0, (0, 0))
    if owner_first:
        del child
    of_base.release()
    assert (parents.drops, owns.drops) == (1 if replaced else 0, 0)
    assert own.tolist() == [3.0]
    own.release()
    if not owner_first:
        assert child.views() == (0, 0)
        del child
    del of_base, own
    assert (parents.drops, owns.drops) == (1, 1)


def test_a_child_exports_its_own_cell():
    child = Child([1, 2], Tally(), [3.0], Tally())
    with memoryview(child) as view:
        assert (view.format, view.tolist(), child.views()) == ("d", [3.0], (0, 1))
    assert child.views() == (0, 0)


@since_312
def test_a_class_that_overrides_release_and_is_collected_with_its_viewing_instance_does_not_crash():
    apart.run(
        """
import gc
from buffer_tests_ext import edges

def make(calls_super):
    class Y(edges.Owner):
        def __release_buffer__(self, view):
            if calls_super:
                super().__release_buffer__(view)

    y = Y([1, 2], tally)
    y.view = memoryview(y)
    y.cls = Y

tally = edges.Tally()
for calls_super in (False, True):
    make(calls_super)
    gc.collect()
assert tally.drops <= 2
""",
        # CPython prints an error to stderr: it no longer finds the method.
        stderr=None,
    )
