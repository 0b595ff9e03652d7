"""Shapes that view their own object, which would never end: `RecursionError`."""

import threading

import apart
import pytest
from buffer_tests_ext.edges import SelfViewing, Shaped
from shaped import still_works


def each_request_restores_the_depth(m):
    """Views an object that views itself, many times, and then without itself."""
    for _ in range(200):
        with pytest.raises(RecursionError):
            memoryview(m)
    m.view(None)
    with memoryview(m):
        assert m.views() == 1


def test_a_shape_without_end_raises_recursion_error():
    m = SelfViewing()
    m.view(m)
    with pytest.raises(RecursionError):
        memoryview(m)
    assert m.views() == 0
    each_request_restores_the_depth(m)


def test_a_shape_without_end_through_python_raises_recursion_error():
    m = Shaped([1], lambda: len(memoryview(m)))
    with pytest.raises(RecursionError):
        memoryview(m)
    still_works(m, [1])


def test_a_shape_without_end_does_not_overflow_a_small_stack():
    printed = apart.run(
        """
import threading
from buffer_tests_ext.edges import SelfViewing

def view():
    m = SelfViewing()
    m.view(m)
    try:
        memoryview(m)
    except RecursionError:
        m.view(None)
        print(memoryview(m).shape)

threading.stack_size(192 * 1024)
thread = threading.Thread(target=view)
thread.start()
thread.join()
"""
    )
    assert printed == "(1,)\n"


def test_recursion_is_limited_while_another_thread_evaluates():
    waits, goes_on = threading.Event(), threading.Event()

    def wait():
        waits.set()
        assert goes_on.wait(60)
        return 1

    slow = Shaped([1], wait)
    thread = threading.Thread(target=lambda: memoryview(slow).release())
    thread.start()
    assert waits.wait(60)
    m = SelfViewing()
    m.view(m)
    for _ in range(200):
        with pytest.raises(RecursionError):
            memoryview(m)

    def when_the_other_has_ended():
        goes_on.set()
        thread.join(60)
        return len(memoryview(within))

    within = Shaped([1], when_the_other_has_ended)
    with pytest.raises(RecursionError):
        memoryview(within)
    assert not thread.is_alive()
    still_works(within, [1])
    still_works(slow, [1])
    each_request_restores_the_depth(m)
