"""`copy.copy` and `copy.deepcopy` of objects that can be pickled."""

import copy
import pickle

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Excerpt, Gaps, Luggage, Nowhere, Traveller
from test_pickle import OwnReduce, Slotted, Stateful, Sub, same

BOTH = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])


class OwnReduceEx(Traveller):
    def __reduce_ex__(self, protocol):
        return OwnReduceEx, (3,), None


class Only(Traveller):
    def __reduce__(self):
        return "ONLY"


class Strange(Traveller):
    def __reduce__(self):
        return Strange, (3,), None, iter([1])


@BOTH
def test_the_memory_is_copied(copied):
    t = Traveller(3, label="label")
    c = copied(t)
    same(t, c)
    np.asarray(c)[0, 0] = 9
    assert np.asarray(t)[0, 0] == 0
    assert (c.fields[:2], c.fields[3:], bytes(c.notes())) == ((2, "label"), (0, 0), b"notes")
    assert t.views() == c.views() == (0, 0)
    t.add_row()


@BOTH
def test_every_storage_is_copied(copied):
    luggage = Luggage()
    c = copied(luggage)
    for name in ("boxed", "array", "small", "owned", "bytes", "rows", "stops", "nested", "long", "sealed"):
        assert memoryview(getattr(c, name)).tobytes() == memoryview(getattr(luggage, name)).tobytes()
    for thing in (Gaps(bytes(range(47)), 2, 3, 5, "H"), Nowhere()):
        same(thing, copied(thing))


def test_values_are_shared_or_copied():
    companion = ["companion"]
    t = Traveller(1, companion=companion)
    assert copy.copy(t).fields[2] is companion
    deep = copy.deepcopy(t).fields[2]
    assert deep == companion and deep is not companion


def test_a_deep_copy_keeps_what_is_shared():
    t = Traveller(1)
    window, whole, again = copy.deepcopy((Excerpt(t, 0), t, t))
    assert window.of is whole is again and whole is not t
    shallow = copy.copy(Excerpt(t, 0))
    assert shallow.of is t


@BOTH
def test_attributes_of_subclasses_are_copied(copied):
    s = Sub(2)
    s.mark = ["mark"]
    c = copied(s)
    same(s, c)
    assert c.mark == s.mark and (c.mark is s.mark) == (copied is copy.copy)
    s = Slotted(2)
    s.mark = 5
    c = copied(s)
    assert c.mark == 5 and not hasattr(c, "unset")
    assert copied(Stateful(1)).restored == "state"


@BOTH
def test_a_state_may_have_no_slots_and_may_change_while_it_is_set(copied):
    class WithoutSlots(Traveller):
        def __getstate__(self):
            return {"mark": 5}, None

    class Growing(Traveller):
        def __getstate__(self):
            return None, slots

        def __setattr__(self, name, value):
            slots.clear()
            slots.update(dict.fromkeys("abcdefghij"))
            object.__setattr__(self, name, value)

    assert copied(WithoutSlots(1)).mark == 5
    slots = {"mark": 6, "other": 7}
    c = copied(Growing(1))
    assert (c.mark, c.other) == (6, 7)


def test_a_deep_copy_may_contain_itself():
    s = Sub(2)
    s.itself = [s]
    c = copy.deepcopy(s)
    assert c.itself[0] is c


def test_a_field_of_a_deep_copy_may_lead_back_to_it():
    companion = []
    t = Traveller(1, companion=companion)
    companion.append(t)
    for back in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert back is not t and back.fields[2] == [back]


class Both(Traveller):
    __slots__ = ("mark", "__dict__", "__hidden")

    def hide(self, value):
        self.__hidden = value

    def hidden(self):
        return self.__hidden


class Below(Both):
    __slots__ = ("itself",)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_slots_and_attributes_of_several_subclasses_are_copied(copied):
    thing = Below(2)
    thing.mark, thing.free, thing.itself = 1, 2, [thing]
    thing.hide(3)
    c = copied(thing)
    same(thing, c)
    assert (c.mark, c.free, c.hidden(), c.itself) == (1, 2, 3, [c])


@BOTH
def test_a_copy_during_a_write_is_refused(copied):
    t = Traveller(1)

    def refused():
        with pytest.raises(BufferError, match="a write guard is alive"):
            copied(t)

    t.in_write(refused)
    assert t.views() == (0, 0)
    same(t, copied(t))


@BOTH
def test_a_subclass_may_say_how_it_is_copied(copied):
    assert copied(OwnReduce(3)).reduced
    assert np.asarray(copied(OwnReduceEx(1))).shape == (3, 2)
    assert type(copied(edges.Reducing())) is edges.Reducing
    only = Only(1)
    assert copied(only) is only
    with pytest.raises(TypeError, match="returns more than a function, arguments and a state"):
        copied(Strange(1))


class Argued(Traveller):
    def __new__(cls, argument):
        made = super().__new__(cls, 1)
        made.argument = argument
        return made

    def __reduce__(self):
        return Argued, (self.argument,)


def test_constructor_arguments_of_subclasses_are_copied_deeply():
    argued = Argued([1, 2])
    assert copy.copy(argued).argument is argued.argument
    deep = copy.deepcopy(argued).argument
    assert deep == [1, 2] and deep is not argued.argument


@BOTH
def test_objects_that_cannot_be_copied_are_refused(copied):
    with pytest.raises(Exception, match="its class extends `Traveller` in Rust"):
        copied(edges.RustTraveller())
    t = Traveller(1)
    t.close()
    with pytest.raises(BufferError, match="it is closed"):
        copied(t)


def test_the_memory_is_copied_once(tmp_path):
    """A copy needs no more memory than the copy itself."""
    resource = pytest.importorskip("resource")
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # noqa: E731
    t = Traveller(1 << 23)  # 64 MiB
    size = memoryview(t).nbytes
    before = peak()
    kept = copy.copy(t)
    grown = (peak() - before) * 1024
    assert memoryview(kept).nbytes == size
    assert grown < 1.5 * size
