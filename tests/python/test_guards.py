"""Rust's guards: what may exist beside them, where they may be used and dropped, and what a leaked guard does."""

import gc
import threading
import weakref

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Series
from messages import HINT, without_place

VALUES = [1.0, 2.0, 3.0]
KINDS = ["read", "share", "write"]

PyBUF_WRITABLE = 1


def readonly_view(m):
    """A view that was requested under a read guard. The guard was dropped since."""
    views = []
    m.call_under("read", lambda: views.append(memoryview(m)))
    return views.pop()


def view(m):
    with memoryview(m) as granted:
        return "read-only" if granted.readonly else "writable"


def insist(m):
    """A request for a writable view."""
    granted = edges.request(m, PyBUF_WRITABLE)
    return "read-only" if granted.readonly else "writable"


def guard(kind):
    def begin(m):
        m.call_under(kind, lambda: None)
        return "granted"

    return begin


NEWCOMERS = {"view": view, "insist": insist, "write": guard("write"), "read": guard("read"), "share": guard("share")}

REMEDY = "; release or delete every view first"
RETURN = "; try again when the call or thread that holds it has ended"
# How `write` suggests the guard that is granted beside views.
SHARE = ", or change values in place through `share`"
WRITING = f"Rust is changing it (a write guard is alive){RETURN}"

# By what is held already: what each new view or guard is granted, or why it is refused.
TABLE = {
    "nothing": {
        "view": "writable",
        "insist": "writable",
        "write": "granted",
        "read": "granted",
        "share": "granted",
    },
    "writable view": {
        "view": "writable",
        "insist": "writable",
        "write": f"cannot resize: 1 writable view is alive{REMEDY}{SHARE}{HINT}",
        "read": f"cannot read: 1 writable view is alive{REMEDY}{HINT}",
        "share": "granted",
    },
    "read-only view": {
        "view": "writable",
        "insist": "writable",
        "write": f"cannot resize: 1 read-only view is alive{REMEDY}{SHARE}{HINT}",
        "read": "granted",
        "share": "granted",
    },
    "read guard": {
        "view": "read-only",
        "insist": f"cannot grant a writable view: 1 read guard is alive in Rust{RETURN}",
        "write": f"cannot resize: 1 read guard is alive in Rust{RETURN}",
        "read": "granted",
        "share": f"cannot share: 1 read guard is alive in Rust{RETURN}",
    },
    "share guard": {
        "view": "writable",
        "insist": "writable",
        "write": f"cannot resize: 1 share guard is alive in Rust{RETURN}{SHARE}",
        "read": f"cannot read: 1 share guard is alive in Rust{RETURN}",
        "share": "granted",
    },
    "write guard": {
        "view": f"cannot grant a view: {WRITING}",
        "insist": f"cannot grant a writable view: {WRITING}",
        "write": f"cannot resize: {WRITING}",
        "read": f"cannot read: {WRITING}",
        "share": f"cannot share: {WRITING}",
    },
}

HOLDERS = {
    "nothing": lambda m, attempt: attempt(),
    "writable view": lambda m, attempt: (memoryview(m), attempt()),
    "read-only view": lambda m, attempt: (readonly_view(m), attempt()),
    "read guard": lambda m, attempt: m.call_under("read", attempt),
    "share guard": lambda m, attempt: m.call_under("share", attempt),
    "write guard": lambda m, attempt: m.call_under("write", attempt),
}


@pytest.mark.parametrize("newcomer", NEWCOMERS)
@pytest.mark.parametrize("held", TABLE)
def test_newcomers_are_granted_and_refused_as_documented(held, newcomer):
    m = Series(VALUES)
    answers = []

    def attempt():
        try:
            answers.append(NEWCOMERS[newcomer](m))
        except BufferError as refusal:
            answers.append(str(refusal))

    HOLDERS[held](m, attempt)
    assert [without_place(answer) for answer in answers] == [TABLE[held][newcomer]]

    gc.collect()
    assert view(m) == "writable"
    m.append(4)
    assert np.asarray(m).tolist() == [*VALUES, 4]


def test_numpy_may_not_write_what_a_read_guard_shows():
    m = Series(VALUES)
    arrays = []
    m.call_under("read", lambda: arrays.append(np.asarray(m)))
    (array,) = arrays
    assert not array.flags.writeable
    with pytest.raises(ValueError):
        array.setflags(write=True)


def test_a_guard_counts_each_of_its_kind():
    m = Series(VALUES)

    def refused():
        with pytest.raises(BufferError, match="cannot resize: 2 share guards are alive in Rust"):
            m.append(4)

    m.call_under("share", lambda: m.call_under("share", refused))
    m.append(4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_guard_ended_on_a_thread_that_is_joined_while_attached_unlocks(kind):
    m = Series(VALUES)
    m.end_elsewhere(kind)
    assert view(m) == "writable"
    m.append(4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_panic_under_a_guard_unlocks(kind):
    m = Series(VALUES)
    with pytest.raises(BaseException, match="under a guard of 3 elements"):
        m.panic_under(kind)
    assert view(m) == "writable"
    m.append(4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_under_a_guard_unlocks(kind):
    m = Series(VALUES)
    with pytest.raises(ZeroDivisionError):
        m.call_under(kind, lambda: 1 // 0)
    m.append(4)


def test_a_read_guard_is_summed_by_rayon_while_detached():
    m = Series(list(range(100_000)))
    assert m.sum_by_rayon() == sum(range(100_000))
    m.append(1)


def test_a_read_guard_is_shared_by_scoped_threads_while_detached():
    m = Series(list(range(1001)))
    assert m.sum_by_scope() == sum(range(1001))
    assert Series([]).sum_by_scope() == 0
    m.append(1)


def test_a_read_guard_reads_beside_read_only_views():
    m = Series(VALUES)
    before = readonly_view(m)
    assert m.sum_by_rayon() == 6
    assert before.tolist() == VALUES


def test_a_write_guard_works_on_a_detached_thread():
    m = Series(VALUES)
    m.append_elsewhere(4)
    assert np.asarray(m).tolist() == [*VALUES, 4]


@pytest.mark.parametrize(
    ("kind", "granted", "refusal"),
    [
        ("read", "read-only", "1 read guard is alive in Rust"),
        ("share", "writable", "1 share guard is alive in Rust"),
        ("write", None, "Rust is changing it"),
    ],
)
def test_a_guard_held_by_a_detached_thread_counts_for_others(kind, granted, refusal):
    m = Series(VALUES)
    begun = threading.Event()
    holder = threading.Thread(target=m.hold_until_stopped, args=(kind, begun.set))
    holder.start()
    try:
        assert begun.wait(60)
        with pytest.raises(BufferError, match=f"cannot resize: {refusal}".replace("(", r"\(")):
            m.append(4)
        if granted:
            assert view(m) == granted
        else:
            with pytest.raises(BufferError, match="cannot grant a view: Rust is changing it"):
                memoryview(m)
    finally:
        m.stop()
        holder.join(60)
    assert not holder.is_alive()
    m.append(4)


def test_a_share_guard_updates_what_numpy_shows():
    m = Series(list(range(5000)))
    array = np.asarray(m)
    m.add_in_bulk(3)
    assert array.tolist() == [value + 3 for value in range(5000)]
    array[:] = 0
    m.add_in_bulk(1)
    assert array.min() == array.max() == 1


def test_each_access_through_a_share_guard():
    m = Series([0, 1, 2])
    array = np.asarray(m)
    assert m.each_shared_access() == [2, 1, 10]
    assert array.tolist() == [7, 7, 7]


def test_a_share_guard_keeps_what_numpy_writes_beside_it():
    m = Series([0] * 20_000)
    array = np.asarray(m)
    rounds = []
    updater = threading.Thread(target=lambda: rounds.append(m.add_to_even_until_stopped()))
    updater.start()
    try:
        for _ in range(300):
            array[1::2] += 1
    finally:
        m.stop()
        updater.join(60)
    assert not updater.is_alive()
    assert set(array[1::2]) == {300}
    assert set(array[::2]) == {rounds[0]}


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("read", "1 read guard is alive in Rust"),
        ("share", "1 share guard is alive in Rust"),
        ("write", "Rust is changing it"),
    ],
)
def test_a_leaked_guard_locks_for_ever_and_nothing_dangles(kind, who):
    m = Series(VALUES)
    assert m.leak(kind, 1) == (1, None)
    array = None
    if kind == "write":
        with pytest.raises(BufferError, match="cannot grant a view: Rust is changing it"):
            memoryview(m)
    else:
        array = np.asarray(m)
        assert array.flags.writeable == (kind == "share")
    for _ in range(2):
        with pytest.raises(BufferError, match=f"cannot resize: {who}"):
            m.append(4)
        with pytest.raises(BufferError, match=f"cannot close: {who}"):
            m.close()

    # Only the guard is leaked, not the object or its memory.
    gone = weakref.ref(m)
    del m
    assert array is None or array.tolist() == VALUES
    del array
    assert gone() is None


def test_leaked_guards_fill_the_count_and_never_wrap_it():
    m = Series(VALUES)
    # The free-threaded lock counts up to 2^17 - 1 guards. The other lock counts 2^29 - 1: too many for a test.
    leaked, refusal = m.leak("read", 600_000)
    full = "cannot read: too many views or guards are alive; release some first"
    assert (leaked, refusal) in [(600_000, None), (2**17 - 1, full)]
    with pytest.raises(BufferError, match=f"cannot resize: {leaked} read guards are alive in Rust"):
        m.append(4)
    assert view(m) == "read-only"
    with pytest.raises(BufferError, match=f"cannot share: {leaked} read guards are alive in Rust"):
        m.call_under("share", list)
