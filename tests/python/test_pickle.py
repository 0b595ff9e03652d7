"""Objects that are pickled and unpickled, in and out of band."""

import copyreg
import gc
import io
import pickle
import pickletools
import random
import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import (
    Columned,
    Excerpt,
    Gaps,
    Luggage,
    MutableTraveller,
    Nowhere,
    OddTraveller,
    Traveller,
)

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Sub(Traveller):
    pass


class Slotted(Traveller):
    __slots__ = ("mark", "unset")


class Stateful(Traveller):
    def __getstate__(self):
        return "state"

    def __setstate__(self, state):
        self.restored = state


class OwnReduce(Traveller):
    def __reduce__(self):
        return OwnReduce, (1,), {"reduced": True}


def same(a, b):
    assert type(a) is type(b)
    assert memoryview(a) == memoryview(b)
    assert memoryview(a).tobytes() == memoryview(b).tobytes()
    assert memoryview(a).shape == memoryview(b).shape
    assert memoryview(a).readonly == memoryview(b).readonly
    assert memoryview(a).strides == memoryview(b).strides


def out_of_band(thing):
    frames = []
    return pickle.dumps(thing, protocol=5, buffer_callback=frames.append), frames


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_field_comes_back(protocol):
    t = Traveller(3, 2, "label", ["companion"])
    back = pickle.loads(pickle.dumps(t, protocol=protocol))
    same(t, back)
    # `calls` and `scratch` start with their defaults.
    assert (t.fields[3:], back.fields) == ((7, 3), (2, "label", ["companion"], 0, 0))
    assert bytes(back.notes()) == b"notes"
    assert t.views() == back.views() == (0, 0)
    np.asarray(back)[0] = 9
    assert np.asarray(t)[0, 0] == 0
    back.add_row()
    t.add_row()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "name", ["boxed", "array", "small", "owned", "bytes", "rows", "stops", "nested", "long", "sealed"]
)
def test_every_storage_comes_back(protocol, name):
    luggage = Luggage()
    back = getattr(pickle.loads(pickle.dumps(luggage, protocol=protocol)), name)
    before, after = memoryview(getattr(luggage, name)), memoryview(back)
    assert (before.shape, before.format, before.readonly) == (after.shape, after.format, after.readonly)
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_layout_comes_back(protocol):
    for thing in (
        Gaps(bytes(range(48)), 3, 16, 4, "<i"),
        Gaps(bytes(range(48)), 3, -16, 36, "f"),
        # The bytes are not a whole number of items.
        Gaps(bytes(range(47)), 2, 3, 5, "H"),
        Gaps(b"", 0, 1, 0, "d"),
        Columned(),
        Traveller(0),
        MutableTraveller(4),
    ):
        same(thing, pickle.loads(pickle.dumps(thing, protocol=protocol)))
    assert pickle.loads(pickle.dumps(Columned(), protocol=protocol)).one == 3


def test_frames_are_the_memory_itself():
    t = Traveller(4)
    data, frames = out_of_band(t)
    here = np.asarray(t).__array_interface__["data"][0]
    assert here in [np.frombuffer(frame, "B").__array_interface__["data"][0] for frame in frames]
    np.asarray(t)[0, 0] = 77
    assert 77 in [np.frombuffer(frame, "f4")[0] for frame in frames if frame.raw().nbytes == 32]
    assert len(data) < 400
    assert pickle.loads(data, buffers=frames).fields[0] == 2


def test_frames_of_read_only_memory_are_read_only():
    _, frames = out_of_band(Luggage())
    readonly = sorted(frame.raw().tobytes() for frame in frames if frame.raw().readonly)
    assert readonly == sorted([b"bytes", b"\x09"])


def test_memory_that_is_not_exported_is_lent_read_only():
    _, frames = out_of_band(Traveller(4))
    [notes] = [frame.raw() for frame in frames if frame.raw().nbytes == 5]
    assert notes.readonly


def test_growth_is_refused_while_frames_are_alive():
    t = Traveller(4)
    _, frames = out_of_band(t)
    assert t.views() == (1, 1)
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        t.add_row()
    for frame in frames:
        frame.release()
    t.add_row()
    _, frames = out_of_band(t)
    view = frames[0].raw()
    frames.clear()
    assert sum(t.views()) == 1
    view.release()
    t.add_row()
    assert np.asarray(t).shape == (6, 2)


def test_frames_outlive_the_object():
    t = Traveller(4)
    before = np.asarray(t).copy()
    data, frames = out_of_band(t)
    del t
    gc.collect()
    assert (np.asarray(pickle.loads(data, buffers=frames)) == before).all()


def test_in_band_copies_leave_no_view():
    t = Traveller(4)
    data = [pickle.dumps(t, protocol=protocol) for protocol in PROTOCOLS]
    t.add_row()
    assert all(np.asarray(pickle.loads(d)).shape == (4, 2) for d in data)


@pytest.mark.parametrize("shift", range(9))
def test_misaligned_frames_are_realigned(shift):
    thing = Luggage()
    data, frames = out_of_band(thing)
    moved = []
    for frame in frames:
        raw = frame.raw()
        moved.append(memoryview(bytearray(shift) + bytearray(raw))[shift:])
    back = pickle.loads(data, buffers=moved)
    for name in ("boxed", "owned", "long", "stops"):
        assert memoryview(getattr(back, name)).tobytes() == memoryview(getattr(thing, name)).tobytes()
        assert np.asarray(getattr(back, name)).flags.aligned


def test_what_arrives_is_a_copy():
    data, frames = out_of_band(Traveller(4))
    frames = [bytearray(frame.raw()) for frame in frames]
    back = pickle.loads(data, buffers=frames)
    for frame in frames:
        frame[:] = bytes(len(frame))
        frame.append(1)
    assert np.asarray(back)[0, 1] == 1
    back.add_row()


def test_one_pickle_has_an_object_once():
    t = Traveller(2)
    a, b = pickle.loads(pickle.dumps([t, t]))
    assert a is b


def test_names_are_stored_once():
    data = pickle.dumps([Traveller(1), Traveller(2)], protocol=4)
    strings = [argument for _, argument, _ in pickletools.genops(data) if isinstance(argument, str)]
    formats = [f"{'<' if sys.byteorder == 'little' else '>'}f", "B"]
    for name in ("companion", "data", "getattr", "Traveller", "__buffer_rebuild__", *formats):
        assert strings.count(name) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_python_subclasses_keep_their_attributes(protocol):
    s = Sub(2)
    s.mark = ["mark"]
    s.itself = s
    back = pickle.loads(pickle.dumps(s, protocol=protocol))
    same(s, back)
    assert (back.mark, back.itself) == (["mark"], back)
    plain = pickle.loads(pickle.dumps(Sub(2), protocol=protocol))
    assert plain.__dict__ == {}


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p >= 2])
def test_slots_of_python_subclasses_are_kept(protocol):
    s = Slotted(2)
    s.mark = 5
    back = pickle.loads(pickle.dumps(s, protocol=protocol))
    assert back.mark == 5
    with pytest.raises(AttributeError):
        _ = back.unset


def test_a_subclass_may_say_what_its_state_is():
    assert pickle.loads(pickle.dumps(Stateful(1))).restored == "state"


def test_a_subclass_may_say_how_it_is_pickled():
    back = pickle.loads(pickle.dumps(OwnReduce(3)))
    assert (back.reduced, np.asarray(back).shape) == (True, (1, 2))
    assert type(pickle.loads(pickle.dumps(edges.Reducing()))) is edges.Reducing


def test_a_rust_subclass_is_refused():
    r = edges.RustTraveller()
    with pytest.raises(pickle.PicklingError, match="its class extends `Traveller` in Rust"):
        pickle.dumps(r)

    class Below(edges.RustTraveller):
        pass

    with pytest.raises(pickle.PicklingError, match="its class extends `Traveller` in Rust"):
        pickle.dumps(Below())
    version, fields = Traveller(1).__reduce_ex__(4)[1]
    for cls in (edges.RustTraveller, Below, edges.Reducing):
        with pytest.raises(pickle.UnpicklingError, match="this class adds fields of Rust to `Traveller`"):
            cls.__buffer_rebuild__(version, fields)


def test_a_part_of_another_object_is_pickled_with_it():
    t = Traveller(4)
    w = Excerpt(t, 1)
    back, whole = pickle.loads(pickle.dumps((w, t)))
    same(w, back)
    assert back.of is whole
    np.asarray(whole)[0, 1] = 8
    assert memoryview(back)[0] == 8


def test_a_class_that_cannot_be_found_is_an_error():
    for thing in (Nowhere(), type("Below", (Nowhere,), {})()):
        with pytest.raises(pickle.PicklingError) as refusal:
            pickle.dumps(thing)
        assert str(refusal.value) == (
            'cannot pickle this `Nowhere`: the class is not found as `builtins.Nowhere`; write `module = "..."` in its '
            "`#[pyclass]`, with the module from which it can be imported"
        )
        assert isinstance(refusal.value.__cause__, AttributeError)


def test_another_class_of_this_name_is_an_error(monkeypatch):
    monkeypatch.setattr(edges, "Traveller", Sub)
    with pytest.raises(pickle.PicklingError, match="not found as `buffer_tests_ext.edges.Traveller`"):
        pickle.dumps(Traveller(1))


def test_a_closed_object_is_refused():
    t = Traveller(1)
    t.close()
    for protocol in PROTOCOLS:
        with pytest.raises(BufferError, match="it is closed"):
            pickle.dumps(t, protocol=protocol)


def test_an_object_that_is_borrowed_is_refused_and_unharmed():
    t, m = Traveller(1), MutableTraveller(2)

    def refused(thing):
        def dump():
            with pytest.raises(BufferError, match="cannot grant a view"):
                pickle.dumps(thing)

        return dump

    t.in_write(refused(t))
    m.in_borrow(refused(m))
    same(t, pickle.loads(pickle.dumps(t)))
    same(m, pickle.loads(pickle.dumps(m)))


@pytest.mark.parametrize("protocol", [2, 5])
def test_memory_that_grows_meanwhile_is_pickled_whole(protocol):
    def grow(_):
        odd.grow()
        return "value"

    odd = OddTraveller(grow)
    back = pickle.loads(pickle.dumps(odd, protocol=protocol))
    assert memoryview(back).tobytes() == memoryview(odd).tobytes() == b"\1\1"


def test_arguments_are_checked():
    t = Traveller(1)
    for call in (t.__reduce_ex__, t.__deepcopy__, lambda: t.__copy__(1), lambda: t.__reduce_ex__("4")):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        t.__reduce_ex__(4, protocol=4)


def test_dispatch_tables_still_win():
    class Pickler(pickle.Pickler):
        dispatch_table = {**copyreg.dispatch_table, Traveller: lambda t: (str, ("replaced",))}

    file = io.BytesIO()
    Pickler(file).dump(Traveller(1))
    assert pickle.loads(file.getvalue()) == "replaced"


def test_pickles_of_threads_do_not_meet():
    t = Traveller(64)
    errors = []

    def work():
        try:
            for _ in range(200):
                data, frames = out_of_band(t)
                same(t, pickle.loads(data, buffers=frames))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert t.views() == (0, 0)


def test_frames_of_many_sizes_do_not_meet():
    """The view of a frame is what the view of another frame has left, if the sizes are the same."""
    luggage = Luggage()
    things = [Traveller(n % 7, 2) for n in range(20)] + [luggage, edges.Shipment([1, 2]), MutableTraveller(3)]

    def frames_of(thing):
        frames = [frame.raw() for frame in out_of_band(thing)[1]]
        return [(frame.tobytes(), frame.readonly, frame.format, frame.shape) for frame in frames]

    # Rows are not lent, but copied.
    expected = [frames_of(thing) for thing in things]
    for thing, frames in zip(things, expected):
        copied = [value[1] for value in thing.__reduce_ex__(2)[1][1].values() if type(value) is tuple]
        assert [content for content, *_ in frames] == [content for content in copied if content != bytes(luggage.rows)]
    errors = []

    def work(seed):
        order = random.Random(seed)
        for _ in range(500):
            index = order.randrange(len(things))
            if frames_of(things[index]) != expected[index]:
                errors.append(index)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_nothing_is_left_behind():
    t = Sub(64, companion=object())
    for _ in range(100):
        data, frames = out_of_band(t.fields[0])
    gc.collect()
    before = sys.getrefcount(Sub), sys.getrefcount(Traveller)
    for _ in range(100):
        data, frames = out_of_band(Sub(8, companion=["c"]))
        pickle.loads(data, buffers=frames)
    del data, frames
    gc.collect()
    assert (sys.getrefcount(Sub), sys.getrefcount(Traveller)) == before
