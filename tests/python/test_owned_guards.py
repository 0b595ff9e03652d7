"""Share guards that keep the memory alive, but not the object: Rust writes while Python reads and objects die."""

import gc
import threading
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Detaching, Log, Owned, Owner, Series, Tally
from pythons import HAS_GIL

SHARED = "1 share guard is alive in Rust"

# Each way to drop a guard.
ENDS = ["drop_here", "drop_detached", "drop_on_joined_thread", "drop_in_panic"]

ends = pytest.mark.parametrize("end", ENDS)


def wait_for_rounds(owned, more=3):
    before = owned.rounds()
    while owned.rounds() < before + more:
        pass


@pytest.fixture
def producer():
    """Starts threads that write to objects, and stops them at the end of the test."""
    started = []

    def start(thing):
        owned = Owned(thing)
        owned.start()
        started.append(owned)
        wait_for_rounds(owned)
        return owned

    yield start
    for owned in started:
        try:
            owned.stop()
        except ValueError:
            # The test has stopped it already.
            pass


@ends
def test_an_owned_guard_excludes_what_a_share_guard_does(end):
    m = Series([1.0, 2.0])
    owned = Owned(m)
    for attempt, refused in [
        (lambda: m.append(3), "resize"),
        (lambda: m.call_under("write", list), "resize"),
        (lambda: m.call_under("read", list), "read"),
        (m.close, "close"),
    ]:
        with pytest.raises(BufferError, match=f"cannot {refused}: {SHARED}"):
            attempt()
    m.call_under("share", lambda: memoryview(m).release())
    array = np.asarray(m)
    owned.write(7)
    assert (array.tolist(), array.flags.writeable) == ([7, 7], True)
    with pytest.raises(BufferError, match="cannot resize: 2 share guards are alive in Rust"):
        m.call_under("share", lambda: m.append(3))
    getattr(owned, end)()
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        m.append(3)
    del array
    m.append(3)
    assert m.close() == [7, 7, 3]


@pytest.mark.parametrize(("kind", "who"), [("read", "1 read guard is alive"), ("write", "Rust is changing it")])
def test_an_owned_guard_is_refused_as_a_share_guard_is(kind, who):
    m = Series([1.0])

    def refused():
        with pytest.raises(BufferError, match=f"cannot share: {who}"):
            Owned(m)

    m.call_under(kind, refused)
    m.close()
    with pytest.raises(BufferError, match="cannot share: it is closed"):
        Owned(m)


def test_a_thread_writes_what_python_reads(producer):
    m = Series([0.0] * 1000)
    array = np.asarray(m)
    owned = producer(m)
    seen = set()
    while len(seen) < 5:
        seen.add(array[500])
        wait_for_rounds(owned, 1)
    for _ in range(1000):
        with memoryview(m) as view:
            assert view[0] > 0
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive|" + SHARED):
        m.append(1)
    owned.stop()
    assert array.min() == array.max() == (owned.rounds() - 1) % 1_000_000 + 1
    del array
    m.append(1)


def test_an_object_dies_while_a_thread_writes_its_memory(producer):
    m = Series([0.0] * 100)
    owned = producer(m)
    gone = weakref.ref(m)
    array = np.asarray(m)
    del m
    assert gone() is not None
    wait_for_rounds(owned)
    assert array[0] > 0
    del array
    assert gone() is None
    wait_for_rounds(owned)
    owned.stop()


@ends
@pytest.mark.parametrize("viewed", [False, True], ids=["alone", "viewed"])
def test_memory_outlives_its_object_as_long_as_the_guard(end, viewed):
    tally = Tally()
    m = Owner([1, 2], tally)
    owned = Owned(m)
    view = memoryview(m) if viewed else None
    edges.replace(m, [3])
    m.close()
    owned.write(5)
    if view:
        assert view.tolist() == [5, 5]
        view.release()
    assert tally.drops == 0
    getattr(owned, end)()
    # An attached thread drops a storage that may run Python: here, the thread that drops the next cell.
    assert tally.drops == 0
    edges.replace(m, [])
    assert tally.drops == 1


@ends
def test_a_view_may_be_the_last_owner(end):
    tally = Tally()
    m = Owner([1, 2], tally)
    owned, view = Owned(m), memoryview(m)
    edges.part(m).drop_here()
    getattr(owned, end)()
    assert (view.tolist(), tally.drops) == ([1, 2], 0)
    view.release()
    assert tally.drops == 1


@ends
def test_the_object_may_be_the_last_owner(end):
    tally = Tally()
    m = Owner([1, 2], tally)
    owned = Owned(m)
    getattr(owned, end)()
    assert tally.drops == 0
    del m
    gc.collect()
    assert tally.drops == 1


@pytest.mark.parametrize("attempt", ["request", "release", "drop", "refusal"])
def test_memory_whose_last_guard_ended_is_freed_by_an_attached_thread(attempt):
    calls = []
    tally = Tally()
    m = Owner([1, 2], tally, lambda: calls.append(threading.get_ident()))
    other, owned = Owner([3]), Owned(m)
    view = memoryview(other)
    del m
    gc.collect()
    owned.drop_on_joined_thread()
    assert tally.drops == 0
    if attempt == "request":
        edges.request(edges.Shaped([1]), 0)
    elif attempt == "release":
        view.release()
        if tally.drops == 0:
            # Without a GIL, the release of a view does not look at the queue.
            Owner([4])
    elif attempt == "drop":
        Owner([4])
    else:
        with pytest.raises(BufferError):
            edges.request(edges.ReadOnlyOwner([1]), 1)
    assert (tally.drops, calls) == (1, [threading.get_ident()])


def test_memory_whose_last_guard_ended_is_freed_while_an_exception_is_pending():
    raised = []
    tally = Tally()
    m = Owner([1, 2], tally, lambda: raised.append(int("7")))
    owned = Owned(m)
    del m
    with pytest.raises(ValueError, match="pending"):
        owned.drop_with_pending()

    def failing():
        # The object dies while the exception propagates.
        other = Owner([1])
        return other, 1 // 0

    with pytest.raises(ZeroDivisionError):
        failing()
    gc.collect()
    assert (tally.drops, raised) == (1, [7])


@pytest.mark.parametrize("last_act", ["panic", "panic twice"])
def test_a_drop_that_panics_is_reported_where_the_memory_is_freed(last_act, monkeypatch):
    reported = []
    monkeypatch.setattr("sys.unraisablehook", lambda hook: reported.append(hook.exc_type.__name__))
    tally = Tally()
    m = Owner([1, 2], tally, last_act)
    owned = Owned(m)
    del m
    owned.drop_detached()
    assert (tally.drops, reported) == (0, [])
    Owner([1])
    assert (tally.drops, reported) == (1, ["PanicException"])


def test_a_guard_stays_with_its_memory_when_objects_swap():
    one, other = Owner([1]), Owner([2, 2])
    owned = Owned(one)
    edges.swap(one, other)
    edges.grow(one, 3)
    with pytest.raises(BufferError, match=f"cannot resize: {SHARED}"):
        edges.grow(other, 3)
    owned.write(8)
    assert (memoryview(one).tolist(), memoryview(other).tolist()) == ([2, 2, 3], [8])
    owned.drop_here()
    edges.grow(other, 3)


def test_a_cell_is_replaced_in_the_borrow_in_which_its_guard_began():
    m = Owner([1, 2])
    owned = edges.own_and_replace(m, [3])
    owned.write(9)
    edges.grow(m, 4)
    assert memoryview(m).tolist() == [3, 4]
    owned.start()
    wait_for_rounds(owned)
    del m
    owned.stop()


def test_a_guard_is_dropped_inside_a_mutable_borrow():
    m = Owner([1, 2])
    owned = Owned(m)
    m.call_then_grow(owned.drop_here)
    assert memoryview(m).tolist() == [1, 2, 1]


def test_detach_leaves_the_memory_to_the_thread(producer):
    tally = Tally()
    m = Detaching([1, 2], tally)
    view = memoryview(m)
    owned = producer(m)
    m.detach()
    assert (m.closed, tally.drops) == (True, 0)
    wait_for_rounds(owned)
    assert view[0] > 0
    view.release()
    owned.stop()
    del m
    Owner([1])
    assert tally.drops == 1


def test_write_or_detach_does_not_part_a_thread_from_its_readers(producer):
    m = Log([1.0])
    view = memoryview(m)
    owned = producer(m)
    for append in (m.append, m.append_detached):
        with pytest.raises(BufferError, match=f"cannot resize: {SHARED}"):
            append(2)
    with pytest.raises(BufferError, match=f"cannot close: {SHARED}"):
        m.close()
    owned.stop()
    m.append(2)
    assert len(view) == 1


def test_a_forgotten_guard_locks_for_ever_and_keeps_its_memory():
    tally = Tally()
    m = Owner([1, 2], tally)
    Owned(m).forget()
    with pytest.raises(BufferError, match=f"cannot close: {SHARED}"):
        m.close()
    del m
    gc.collect()
    Owner([1])
    assert tally.drops == 0


def test_forgotten_guards_fill_the_count_and_never_wrap_it():
    m = Series([1.0])
    forgotten, refusal = edges.forget_owned(m, 600_000)
    # The limits are those of `test_guards`.
    full = "cannot share: too many views or guards are alive; release some first"
    assert (forgotten, refusal) in [(600_000, None), (2**17 - 1, full)]
    with pytest.raises(BufferError, match=f"{forgotten} share guards are alive in Rust"):
        m.append(4)
    assert memoryview(m).tolist() == [1]


def test_many_guards_leave_nothing_behind():
    resource = pytest.importorskip("resource")
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # noqa: E731
    m = Series([1.0])
    edges.own_many(m, 1_000)
    before = peak()
    edges.own_many(m, 100_000)
    m.append(2)
    # Storages of 4 kB that only an attached thread may drop. At most one waits for that at any time.
    tally, values = Tally(), [0] * 1000
    for _ in range(20_000):
        owner = Owner(values, tally)
        owned = Owned(owner)
        del owner
        owned.drop_detached()
    assert tally.drops == 19_999
    # In kB. If all storages waited, they would take 80 MB.
    assert peak() - before < 20_000
    Owner([1])
    assert tally.drops == 20_000


def test_memory_that_is_only_freed_is_freed_by_the_guard():
    resource = pytest.importorskip("resource")
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # noqa: E731
    values = [0.0] * 1_000_000

    def leave():
        objects = [Series(values) for _ in range(10)]
        guards = [Owned(m) for m in objects]
        objects.clear()
        for owned in guards:
            owned.drop_on_joined_thread()
        return peak()

    # In kB. If the guards left the memory to the next cell that is dropped, the second call would need 80 MB more.
    before = leave()
    assert leave() - before < 20_000


def test_threads_view_and_resize_while_guards_come_and_go():
    m = Series([0.0] * 8)
    done = threading.Event()
    refused = []

    def view():
        while not done.is_set():
            try:
                shown = memoryview(m)
            except BufferError as refusal:
                if HAS_GIL:
                    raise
                assert "a write guard is alive" in str(refusal)
                continue
            with shown:
                assert len(shown) >= 8

    def grow():
        while not done.is_set():
            try:
                m.append(0)
            except BufferError as refusal:
                refused.append(str(refusal))

    workers = [threading.Thread(target=target) for target in (view, view, grow)]
    for worker in workers:
        worker.start()
    try:
        granted = 0
        while granted < 300:
            try:
                owned = Owned(m)
            except BufferError:
                # Another thread is resizing the memory.
                continue
            granted += 1
            owned.start()
            owned.stop()
    finally:
        done.set()
        for worker in workers:
            worker.join(60)
    assert any(SHARED in text for text in refused)
    m.append(1)
