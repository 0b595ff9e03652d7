"""Rust's views of other objects' buffers: how long they live, and as which kind of view they count."""

import array
import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from buffer_tests_ext import consumer
from buffer_tests_ext.edges import Series

VALUES = [1.0, 2.0, 3.0]


class Stop(Exception):
    pass


def stop():
    raise Stop


def test_a_view_of_ours_counts_as_one_and_refuses_to_write():
    m = Series(VALUES)
    counts = []

    def look():
        counts.append(m.views())
        with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
            m.append(4.0)
        with pytest.raises(BufferError, match="cannot read: 1 writable view is alive"):
            m.call_under("read", lambda: None)
        m.call_under("share", lambda: None)

    assert consumer.call_under("f64", m, look) == 3
    consumer.call_under_writing(m, look)
    consumer.call_under("f64", m, lambda: consumer.call_under_writing(m, lambda: counts.append(m.views())))
    assert counts == [1, 1, 2]
    assert m.views() == 0
    m.append(4.0)
    assert consumer.read("f64", m) == [*VALUES, 4.0]


def test_a_view_beside_rusts_guards_is_granted_as_the_table_says():
    m = Series(VALUES)
    m.call_under("share", lambda: consumer.scale(m, 2.0))
    assert consumer.read("f64", m) == [2, 4, 6]
    seen = []
    m.call_under("read", lambda: seen.append((consumer.read("f64", m), consumer.describe("f64", m)["readonly"])))
    assert seen == [([2, 4, 6], True)]
    for function in (lambda: consumer.scale(m, 2.0), lambda: consumer.fill("f64", m, 1.0)):
        with pytest.raises(BufferError, match="cannot grant a writable view: 1 read guard is alive in Rust"):
            m.call_under("read", function)
    with pytest.raises(BufferError, match="Rust is changing it"):
        m.call_under("write", lambda: consumer.read("f64", m))
    assert (m.views(), consumer.read("f64", m)) == (0, [2, 4, 6])


@pytest.mark.parametrize(
    "function", [consumer.call_under, lambda element, m, stop: consumer.call_under_writing(m, stop)]
)
def test_a_view_ends_with_a_function_that_raises(function):
    m = Series(VALUES)
    with pytest.raises(Stop):
        function("f64", m, stop)
    assert m.views() == 0
    it = consumer.Liar()
    with pytest.raises(Stop):
        function("f64", it, stop)
    assert (it.alive, it.granted) == (0, 1)


def test_a_view_ends_with_a_function_that_panics():
    it = consumer.Liar()
    it.format, it.itemsize, it.shape, it.strides = b"B", 1, [32], [1]
    with pytest.raises(BaseException, match="32 items are viewed"):
        consumer.panic_under(it)
    assert (it.alive, it.granted) == (0, 1)


def test_a_view_is_released_once_however_often_there_is_one():
    it = consumer.Liar()
    assert consumer.views(it, 1000) == 4000
    assert (it.alive, it.granted) == (0, 1000)
    array = np.arange(4.0)
    before = sys.getrefcount(array)
    consumer.views(array, 1000)
    consumer.call_under("f64", array, lambda: None)
    assert sys.getrefcount(array) == before


def test_a_refused_view_holds_nothing():
    array = np.arange(4.0)
    before = sys.getrefcount(array)
    for element in ("f32", "[f64; 1]", "u8"):
        with pytest.raises(BufferError):
            consumer.read(element, array)
    assert sys.getrefcount(array) == before
    m = Series(VALUES)
    with pytest.raises(BufferError, match="expected items of format 'f'"):
        consumer.read("f32", m)
    assert m.views() == 0


@pytest.mark.parametrize(
    "exporter, resize",
    [
        (array.array("d", VALUES), lambda it: it.append(4.0)),
        (memoryview(bytearray(24)).cast("d"), lambda it: it.release()),
    ],
)
def test_other_exporters_are_locked_as_by_a_memoryview(exporter, resize):
    def attempt():
        with pytest.raises(BufferError, match="export"):
            resize(exporter)

    consumer.call_under("f64", exporter, attempt)
    consumer.call_under_writing(exporter, attempt)
    resize(exporter)


def test_a_view_keeps_its_object():
    objects = [Series(VALUES)]
    dead = weakref.ref(objects[0])
    alive = []

    def look():
        gc.collect()
        alive.append(dead() is not None)

    # `pop_and_view` removes the only reference from the list and drops it before it calls `look` and reads.
    assert consumer.pop_and_view(objects, look) == VALUES
    gc.collect()
    assert (objects, alive, dead()) == ([], [True], None)


def test_an_exception_that_is_pending_survives_a_release():
    released = []
    error = KeyError("pending")

    if sys.version_info >= (3, 12):

        class Exporter:
            def __buffer__(self, flags):
                return memoryview(b"abc")

            def __release_buffer__(self, view):
                try:
                    raise ValueError("swallowed")
                except ValueError:
                    released.append(True)
                view.release()

        assert consumer.release_with_pending(Exporter(), error) is error
        assert released == [True]
    assert consumer.release_with_pending(b"abc", error) is error


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python classes export buffers from 3.12 on")
def test_python_classes_are_viewed_and_may_refuse_and_may_fail_to_release(monkeypatch):
    class Exporter:
        def __init__(self, grants):
            self.grants, self.released = grants, 0

        def __buffer__(self, flags):
            return memoryview(self.grants) if isinstance(self.grants, bytearray) else stop()

        def __release_buffer__(self, view):
            self.released += 1
            view.release()
            raise Stop

    with pytest.raises(Stop):
        consumer.read("u8", Exporter(None))
    reported = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))
    exporter = Exporter(bytearray(b"abc"))
    assert list(consumer.read("u8", exporter)) == [97, 98, 99]
    assert (exporter.released, reported) == (1, [Stop])
    exporter.grants.append(1)


def test_views_of_one_buffer_are_used_on_many_threads_at_once():
    m = Series([0.0] * 3000)
    shown = [np.asarray(m)]
    done = threading.Event()

    def write():
        value = 0.0
        while not done.is_set():
            value = (value + 1) % 100
            consumer.fill_detached("f64", shown[0], value)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for thread in writers:
        thread.start()
    try:
        for _ in range(300):
            assert 0 <= consumer.sum("f64", m, "detached") <= 99 * 3000
            # No item is ever read half written.
            assert all(item in range(100) for item in consumer.read_once("f64", m))
    finally:
        done.set()
        for thread in writers:
            thread.join()
    shown.clear()
    assert m.views() == 0
