"""Forked processes: a child has a copy of every lock, but only the thread that forked."""

import os

import pytest
from apart import run
from messages import HINT, without_place

# How `write` suggests the guard that is granted beside views.
SHARE = ", or change values in place through `share`"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

FORKED = (
    "; this process was forked: if another thread held it at that time, it is never released here; make a new object"
)

# `in_child` returns the result or the exception of a function in a child process, as text.
PROLOGUE = """
import os, threading, warnings
from buffer_tests_ext.edges import Series
warnings.simplefilter("ignore", DeprecationWarning)

def in_child(work):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = repr(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return text

def attempt(work):
    try:
        work()
    except BufferError as error:
        return str(error)

def new():
    m = Series([5.0])
    m.append(6)
    return memoryview(m).tolist(), m.views()

m = Series([1.0, 2.0])
begun, stop = threading.Event(), threading.Event()
"""

HELD = """
holder = threading.Thread(target=m.hold_until_stopped, args=({kind!r}, begun.set))
holder.start()
begun.wait()
try:
    print(in_child(lambda: m.append(3)))
    print(in_child(lambda: memoryview(m).tolist()))
    print(in_child(new))
    # The parent can still wait for it.
    print("forked" in attempt(lambda: m.append(3)))
finally:
    m.stop()
    holder.join()
m.append(3)
print(in_child(lambda: m.append(4)))
"""


@pytest.mark.parametrize(
    ("kind", "blocker"),
    [
        ("read", "1 read guard is alive in Rust"),
        ("share", "1 share guard is alive in Rust"),
        ("write", "Rust is changing it (a write guard is alive)"),
    ],
)
def test_a_guard_of_a_thread_that_the_child_lacks_is_named(kind, blocker):
    reason = f"{blocker}; try again when the call or thread that holds it has ended{FORKED}"
    resize, view, new, parent, afterwards = run(PROLOGUE + HELD.format(kind=kind)).splitlines()
    hint = SHARE if kind == "share" else ""
    assert without_place(resize) == f"BufferError: cannot resize: {reason.replace(FORKED, hint + FORKED)}"
    assert without_place(view) == (f"BufferError: cannot grant a view: {reason}" if kind == "write" else "[1.0, 2.0]")
    assert new == "([5.0, 6.0], 0)"
    assert (parent, afterwards) == ("False", "None")


def test_a_view_of_a_thread_that_the_child_lacks_is_named():
    script = """
def hold():
    view = memoryview(m)
    begun.set()
    stop.wait()

holder = threading.Thread(target=hold)
holder.start()
begun.wait()
try:
    print(in_child(lambda: m.append(3)))
    print(in_child(lambda: memoryview(m).tolist()))
finally:
    stop.set()
    holder.join()
m.append(3)
"""
    resize, view = run(PROLOGUE + script).splitlines()
    remedy = "release or delete every view first"
    assert resize == f"BufferError: cannot resize: 1 writable view is alive; {remedy}{SHARE}{FORKED}{HINT}"
    assert view == "[1.0, 2.0]"


def test_guards_of_the_forking_thread_end_in_both_processes():
    script = """
view = memoryview(m)

def release_and_append():
    view.release()
    m.append(3)
    return memoryview(m).tolist()

print(in_child(release_and_append))
print(view.tolist())
view.release()

def under_a_guard():
    print(in_child(lambda: attempt(lambda: m.append(3)).count("forked")))

m.call_under("read", under_a_guard)
child = []
def fork():
    child.append(os.fork())
m.call_under("read", fork)
# The guard has ended in both processes.
m.append(3)
if child[0] == 0:
    os._exit(len(memoryview(m)))
print(os.waitpid(child[0], 0)[1] >> 8)
"""
    assert run(PROLOGUE + script).splitlines() == ["[1.0, 2.0, 3.0]", "[1.0, 2.0]", "1", "3"]


PRODUCED = """
from buffer_tests_ext.edges import Owned
owned, held = Owned(m), Owned(m)
owned.start()

def share():
    held.write(7)
    held.drop_here()
    return memoryview(m).tolist()

def die():
    # The thread that writes is not in the child, and its guard keeps the memory.
    global m
    del m

try:
    print(in_child(lambda: m.append(3)))
    print(in_child(share))
    print(in_child(die))
    print(in_child(new))
    print("forked" in attempt(lambda: m.append(3)))
    before = owned.rounds()
    while owned.rounds() == before:
        pass
finally:
    owned.stop()
print(attempt(lambda: m.append(3)))
held.drop_here()
m.append(3)
print(in_child(lambda: m.append(4)))
"""


def test_a_thread_that_writes_through_an_owned_guard_is_not_in_the_child():
    grown, shared, died, new, parent, held, afterwards = run(PROLOGUE + PRODUCED).splitlines()
    held_by = "share guards are alive in Rust; try again when the call or thread that holds it has ended"
    assert without_place(grown) == f"BufferError: cannot resize: 2 {held_by}{SHARE}{FORKED}"
    assert (shared, died, new) == ("[7.0, 7.0]", "None", "([5.0, 6.0], 0)")
    assert parent == "False"
    assert without_place(held) == f"cannot resize: 1 {held_by}{SHARE}".replace("guards are", "guard is")
    assert afterwards == "None"


WITHOUT_THREADS = """
from buffer_tests_ext import consumer, edges

kept = consumer.Stable(m)
print(in_child(lambda: m.append(3)))
kept.release()
capsule = m.__dlpack__()
print(in_child(lambda: m.append(3)))
del capsule
m.close()
print(in_child(lambda: m.append(3)))
pinned = edges.Pinned([1])
memoryview(pinned).release()
print(in_child(lambda: pinned.attempt("write")))
"""


def test_only_what_another_thread_may_hold_mentions_the_fork():
    stable, tensor, closed, pinned = run(PROLOGUE + WITHOUT_THREADS).splitlines()
    assert stable.endswith(FORKED + HINT) and tensor.endswith(FORKED)
    assert "forked" not in closed + pinned
    assert "it is closed" in closed and "the memory is pinned" in pinned
