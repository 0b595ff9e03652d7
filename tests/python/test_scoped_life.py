"""Scoped views with threads, the garbage collector, pending exceptions and the exit of the interpreter."""

import gc
import threading
import weakref

import apart
import numpy as np
import pytest
from buffer_tests_ext.edges import Series
from test_scoped import VALUES


def test_a_view_is_entered_and_left_on_any_thread():
    m = Series(VALUES)
    view = m.view()
    v = view.__enter__()
    leaver = threading.Thread(target=view.__exit__, args=(None, None, None))
    leaver.start()
    leaver.join(60)
    assert m.views() == 0
    with pytest.raises(ValueError):
        v[0]


def test_threads_that_enter_one_view_take_turns_or_are_told():
    m = Series(VALUES)
    view = m.view()
    entered, refused, wrong = [], [], []

    def enter():
        for _ in range(300):
            try:
                with view as v:
                    entered.append(v[0])
            except RuntimeError as refusal:
                refused.append(str(refusal))
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert (len(entered) + len(refused), m.views()) == (1200, 0)
    assert entered
    m.append(4)


def test_a_consumer_that_ends_on_another_thread_unlocks():
    m = Series(VALUES)
    kept = []
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept.append(v[1:])
    del refusal
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join(60)
    assert m.views() == 0


def test_an_abandoned_block_ends_with_its_generator():
    m = Series(VALUES)

    def numbers():
        with m.view() as v:
            yield from v

    running = numbers()
    assert (next(running), m.views()) == (1.0, 1)
    del running
    gc.collect()
    assert m.views() == 0


@pytest.mark.parametrize("entered", [False, True])
def test_cycles_are_collected(entered):
    class Viewing(Series):
        pass

    m = Viewing(VALUES)
    m.scope = m.view()
    if entered:
        m.v = m.scope.__enter__()
        m.piece = m.v[1:]
        m.itself = [m.scope, m.v.obj]
    dead = weakref.ref(m)
    del m
    gc.collect()
    assert dead() is None


def test_a_view_keeps_its_object():
    m = Series(VALUES)
    dead = weakref.ref(m)
    with m.view() as v:
        del m
        gc.collect()
        assert v.tolist() == VALUES
    gc.collect()
    assert dead() is None


def test_a_view_that_ends_while_an_exception_is_pending_leaves_it():
    m = Series(VALUES)
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept = [v[1:]]
    del refusal

    def let_go():
        try:
            yield
        finally:
            kept.clear()

    running = let_go()
    next(running)
    with pytest.raises(KeyError, match="mine"):
        running.throw(KeyError("mine"))
    assert m.views() == 0


@pytest.mark.parametrize(
    "consume", ["scoped(m).__enter__()", "scoped_range(m, 0, 0)", "np.asarray(m)", "consumer.describe('i32', m)"]
)
def test_a_shape_that_panics_is_an_exception_and_no_panic_that_is_resumed(consume):
    said = apart.run(
        f"""
import os
import numpy as np
from buffer_tests_ext import consumer
from buffer_tests_ext.edges import Shaped, scoped, scoped_range
m = Shaped([1, 2], lambda: "panic")
os.dup2(1, 2)
try:
    {consume}
except BaseException as error:
    assert type(error).__name__ == "PanicException", error
    assert error.__traceback__
else:
    raise AssertionError("nothing was raised")
""",
        stderr=None,
    )
    assert "the shape panics" in said
    assert "resuming" not in said


def test_numpy_makes_no_object_of_what_has_ended():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        assert np.asarray(gate).tolist() == VALUES
    for use in (np.asarray, np.array, lambda gate: np.add(gate, 1), lambda gate: np.asarray(gate, "f4")):
        with pytest.raises(BufferError, match="the block that it belonged to has ended; view the object itself"):
            use(gate)
    m.append(4)


@pytest.mark.parametrize("stack", [0, 256 * 1024])
def test_views_of_views_end_whatever_the_stack_holds(stack):
    apart.run(
        f"""
import threading
from buffer_tests_ext.edges import Series, scoped

def nest():
    m = Series([1.0, 2.0])
    outer = m.view()
    v = outer.__enter__()
    inner = v
    for _ in range(50_000):
        inner = scoped(inner).__enter__()
    assert inner.tolist() == [1, 2]
    del v, outer
    assert m.views() == 1
    del inner
    assert m.views() == 0
    m.append(3)
    done.append(m)

done = []
if {stack}:
    threading.stack_size({stack})
thread = threading.Thread(target=nest)
thread.start()
thread.join(60)
assert done
"""
    )


@pytest.mark.parametrize("left", ["v", "v[1:]", "pickle.PickleBuffer(v)", "memoryview(v.obj)", "scope"])
def test_a_block_that_never_ends(left):
    apart.run(
        f"""
import pickle, sys
from buffer_tests_ext import edges
m = edges.Series([1.0, 2.0])
scope = m.view()
v = scope.__enter__()
left = {left}
sys.left = left
edges.left = scope
"""
    )


def test_scripts_that_end_inside_a_block():
    out = apart.run(
        """
import atexit, sys
from buffer_tests_ext import edges
m = edges.Series([1.0, 2.0])

def numbers():
    with m.view() as v:
        yield v[0]
        yield v[1]

running = numbers()
print(next(running))
with m.view() as v:
    atexit.register(print, "end")
    sys.exit()
"""
    )
    assert out == "1.0\nend\n"
