"""Subclasses in Python and in Rust: collected, finalized, and released once."""

import gc
import sys
import weakref

import numpy as np
import pytest
from buffer_tests_ext import layouts

CONTENT = np.arange(1, 7, dtype=np.float32).tobytes()


@pytest.mark.parametrize("base", [layouts.Base, layouts.NotFrozen])
@pytest.mark.parametrize("views", [1, 3])
def test_an_instance_that_views_itself_is_collected(base, views, storages):
    class SelfViewing(base):
        pass

    m = SelfViewing(CONTENT, 3)
    m.views_of_self = [memoryview(m) for _ in range(views)]
    assert m.views() == views
    dead = weakref.ref(m)
    del m
    gc.collect()
    # Each view is released exactly once: otherwise the storage, which `storages` counts, would leak or be freed twice.
    assert dead() is None


def test_instances_that_view_each_other_are_collected(storages):
    class Viewing(layouts.Base):
        pass

    a, b = Viewing(CONTENT, 3), Viewing(CONTENT, 3)
    a.other, b.other = memoryview(b), memoryview(a)
    dead = [weakref.ref(a), weakref.ref(b)]
    del a, b
    gc.collect()
    assert [ref() for ref in dead] == [None, None]


def test_an_object_can_be_viewed_while_it_is_finalized(storages):
    seen = []

    class Finalized(layouts.Base):
        def __del__(self):
            seen.append(bytes(self))

    Finalized(CONTENT, 3)
    gc.collect()
    assert seen == [CONTENT]


def test_a_view_taken_while_an_object_is_finalized_keeps_it(storages):
    seen = []

    class Resurrected(layouts.Base):
        def __del__(self):
            seen.append(memoryview(self))

    Resurrected(CONTENT, 3)
    gc.collect()
    (view,) = seen
    assert view.tobytes() == CONTENT
    assert view.obj.views() == 1
    view.release()


def test_a_subclass_has_attributes_slots_and_more_bases(storages):
    class Mixin:
        def total(self):
            return float(np.asarray(self).sum())

    class Slotted(Mixin, layouts.Base):
        __slots__ = ("extra",)

        def __new__(cls, *args):
            self = super().__new__(cls, CONTENT, 2)
            self.extra = args
            return self

    m = Slotted("a", "b")
    assert (m.extra, m.total()) == (("a", "b"), 21.0)
    assert memoryview(m).shape == (3, 2)
    assert m.views() == 0


def test_a_subclass_in_rust_inherits_the_buffer(storages):
    m = layouts.Derived(CONTENT, 3, "label")
    assert isinstance(m, layouts.Base)
    assert m.label == "label"
    with memoryview(m) as view:
        assert view.tolist() == [[1, 2, 3], [4, 5, 6]]
        assert m.views() == 1
        with pytest.raises(BufferError):
            m.replace(b"")


from_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code can export buffers from 3.12 on")


@from_3_12
@pytest.mark.parametrize(
    "consume", [memoryview, np.asarray, lambda m: memoryview(m)[1:]], ids=["view", "array", "slice"]
)
def test_an_overridden_buffer_method_is_released_once(consume, storages):
    asked = []

    class Overriding(layouts.Base):
        def __buffer__(self, flags):
            asked.append(flags)
            return super().__buffer__(flags)

    m = Overriding(CONTENT, 3)
    shown = consume(m)
    assert len(asked) == 1
    assert m.views() == 1
    with pytest.raises(BufferError):
        m.replace(b"")
    del shown
    assert m.views() == 0
    m.replace(CONTENT * 2)


@from_3_12
def test_an_overridden_release_method_is_called_once_and_releases_once(storages):
    released = []

    class Overriding(layouts.Base):
        def __buffer__(self, flags):
            return super().__buffer__(flags)

        def __release_buffer__(self, view):
            released.append(view)
            super().__release_buffer__(view)

    m = Overriding(CONTENT, 3)
    for count in range(1, 4):
        with memoryview(m) as view:
            assert view.tobytes() == CONTENT
            assert m.views() == 1
        assert (m.views(), len(released)) == (0, count)
    released.clear()
    m.replace(CONTENT * 2)
