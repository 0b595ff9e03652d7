"""How long memory lives: as long as its object or any view. It never moves under a view, and is freed once."""

import ctypes
import gc
import pickle
import struct
import sys
import threading
import weakref

import apart
import numpy as np
import pytest
from buffer_tests_ext import layouts
from exporters import each_kind, the_kind

FLOATS = np.arange(1, 7, dtype=np.float32)
CONTENT = FLOATS.tobytes()


# Nothing moves while a view is alive.


@each_kind(layout="natural")
def test_under_a_view_the_storage_cannot_be_changed(kind):
    m = kind.make()
    content = bytes(m)
    changes = [content]
    if kind.grows:
        # Grown, shrunk, cleared.
        changes += [content * 2, content[: len(content) // 2], b""]
    # A box may be replaced by another one, but cannot grow.
    write = "resize" if kind.grows and kind.storage != "boxed" else "borrow for writing"
    with memoryview(m) as view:
        for change in changes:
            with pytest.raises(BufferError, match=f"^cannot {write}: 1 writable view is alive; release or delete"):
                m.replace(change)
            with memoryview(m):
                with pytest.raises(BufferError, match=f"^cannot {write}: 2 writable views are alive"):
                    m.replace(change)
        assert view.tobytes() == content
    for change in changes:
        m.replace(change)
        assert bytes(m) == change


@each_kind(layout="readonly", element="i16")
def test_under_a_read_only_view_the_storage_cannot_be_changed_either(kind):
    m = kind.make()
    content = bytes(m)
    with memoryview(m) as view:
        with pytest.raises(BufferError, match="^cannot (resize|borrow for writing): 1 read-only view is alive"):
            m.replace(content)
        assert view.tobytes() == content
    m.replace(content)


@pytest.mark.parametrize(
    "consume",
    [
        memoryview,
        np.asarray,
        pickle.PickleBuffer,
        lambda m: memoryview(m)[1:],
        lambda m: memoryview(m).cast("B"),
        lambda m: np.asarray(m)[1:, :1].T,
        lambda m: np.frombuffer(m, "u1"),
        lambda m: (ctypes.c_char * 1).from_buffer(m),
        lambda m: iter([memoryview(m)]),
    ],
    ids=["memoryview", "array", "PickleBuffer", "slice", "cast", "transposed", "frombuffer", "ctypes", "held"],
)
def test_whatever_shows_the_memory_keeps_it_in_place(consume):
    m = layouts.NotFrozen(CONTENT, 3)
    shown = consume(m)
    assert m.views() == 1
    for change in CONTENT * 1000, CONTENT[:12], b"":
        with pytest.raises(BufferError):
            m.replace(change)
    assert bytes(m) == CONTENT
    del shown
    m.replace(CONTENT * 1000)
    assert memoryview(m).shape == (2000, 3)


def test_a_refused_change_leaves_all_views_usable(storages):
    m = layouts.Base(CONTENT, 3)
    a, b = np.asarray(m), memoryview(m)
    with pytest.raises(BufferError):
        m.replace(b"")
    a[0, 0] = 10
    assert b[0, 0] == 10
    assert np.asarray(m).tolist() == a.tolist()
    b.release()


# Memory lives as long as any view.


def slice_of(m):
    return np.asarray(m)[1:]


@pytest.mark.parametrize(
    "consume", [memoryview, np.asarray, lambda m: np.asarray(m)[1:]], ids=["view", "array", "slice"]
)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layouts.Base(CONTENT, 3), id="Base"),
        pytest.param(lambda: layouts.Derived(CONTENT, 3, "label"), id="Derived"),
        pytest.param(lambda: type("Subclass", (layouts.Base,), {})(CONTENT, 3), id="Subclass"),
    ],
)
def test_memory_outlives_the_last_name_of_its_object(make, consume, storages):
    m = make()
    object_is_gone = weakref.ref(m)
    shown = consume(m)
    expected = shown.tolist()
    del m
    gc.collect()
    assert object_is_gone() is not None
    assert storages() == 1
    assert shown.tolist() == expected
    del shown
    gc.collect()
    assert object_is_gone() is None
    assert storages() == 0


def test_a_view_refers_to_its_object(storages):
    view = memoryview(layouts.Base(CONTENT, 3))
    m = view.obj
    assert m.views() == 1
    view.release()
    m.replace(CONTENT[:12])
    assert memoryview(m).shape == (1, 3)


def test_replaced_storage_is_freed_at_once(storages):
    m = layouts.Base(CONTENT, 3)
    for rows in range(10):
        m.replace(CONTENT[:12] * rows)
        assert storages() == 1


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layouts.Base(CONTENT, 3), id="frozen"),
        pytest.param(lambda: layouts.NotFrozen(CONTENT, 3), id="not frozen"),
    ],
)
def test_weak_references_tell_when_a_viewed_object_dies(make):
    deaths = []
    m = make()
    dead = weakref.ref(m, deaths.append)
    finalizer = weakref.finalize(m, deaths.append, "finalized")
    view = memoryview(m)
    assert dead() is m
    del m
    gc.collect()
    assert not deaths and finalizer.alive
    view.release()
    gc.collect()
    assert sorted(map(str, deaths)) == sorted([str(dead), "finalized"])
    assert dead() is None


# At the end of the interpreter.

PREPARED = f"""
import atexit, ctypes, sys, threading, time
import numpy as np
from buffer_tests_ext import layouts

class Subclass(layouts.Base):
    pass

m = layouts.Base({CONTENT!r}, 3)
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("view = memoryview(m)", id="memoryview"),
        pytest.param("view = memoryview(m); del m", id="memoryview of an object without a name"),
        pytest.param("view = np.asarray(m)", id="array"),
        pytest.param("view = np.asarray(m); del m", id="array of an object without a name"),
        pytest.param("view = (ctypes.c_float * 6).from_buffer(m); del m", id="ctypes"),
        pytest.param("m = Subclass(bytes(24), 3); m.view = memoryview(m)", id="instance that views itself"),
        pytest.param("m = layouts.NotFrozen(bytes(24), 3); view = memoryview(m)", id="class that is not frozen"),
        pytest.param("layouts.view = memoryview(m)", id="attribute of the extension module"),
        pytest.param("sys.modules['view'] = memoryview(m); del m", id="in sys.modules"),
        pytest.param("view = np.asarray(m); atexit.register(view.fill, 0)", id="written by an exit function"),
        pytest.param("m = Subclass(bytes(24), 3); Subclass.__del__ = lambda s: bytes(s)", id="viewed by a finalizer"),
        pytest.param(
            "threading.Thread(target=lambda view: time.sleep(600), args=[memoryview(m)], daemon=True).start()",
            id="held by a daemon thread",
        ),
    ],
)
def test_a_view_may_be_alive_when_the_interpreter_ends(script):
    assert apart.run(PREPARED + script + "\nprint('reached the end')\n") == "reached the end\n"


def test_memory_is_intact_until_the_interpreter_ends():
    script = "\nview = memoryview(m); del m; atexit.register(lambda: print(view.tolist()))"
    assert apart.run(PREPARED + script) == "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\n"


def test_a_thousand_objects_and_views_are_all_freed(storages):
    objects = [layouts.Base(struct.pack("3f", n, n, n), 3) for n in range(1000)]
    views = [memoryview(m) for m in objects]
    arrays = [np.asarray(m) for m in objects]
    del objects
    assert [view[0, 2] for view in views] == [a[0, 0] for a in arrays] == list(range(1000))
    assert storages() == 1000
    del views
    gc.collect()
    assert storages() == 1000
    arrays.clear()
    assert storages() == 0


@each_kind(storage=["vec", "array"], element="f64", layout="c2")
def test_getting_and_releasing_leaves_nothing_behind(kind):
    m = the_kind(kind.storage, kind.layout, kind.element).make()
    before = sys.getrefcount(m)
    for _ in range(1000):
        memoryview(m).release()
        with pytest.raises(TypeError):
            memoryview(m)["no index"]
    assert sys.getrefcount(m) == before
    assert m.views() == 0


def test_a_base_that_is_bound_to_its_thread_refuses_views_elsewhere():
    m = layouts.OfThreadBound(CONTENT)
    view = memoryview(m)
    seen = []

    def elsewhere():
        try:
            memoryview(m)
        except BufferError as refusal:
            seen.append(str(refusal))
        # A release does not use the object.
        view.release()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(60)
    assert len(seen) == 1
    assert "OfThreadBound" in seen[0] and "thread" in seen[0]
    assert m.views() == 0
    assert memoryview(m) == CONTENT
