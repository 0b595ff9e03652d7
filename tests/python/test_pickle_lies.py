"""Pickles that lie: about versions, names, types and lengths. All of them raise `UnpicklingError`, and nothing more."""

import abc
import array
import pickle
import sys

import numpy as np
import pytest
from buffer_tests_ext.edges import Columned, Gaps, Luggage, OddTraveller, RustTraveller, Traveller
from hypothesis import given, settings
from hypothesis import strategies as st

NATIVE = "<" if sys.byteorder == "little" else ">"
VERSION = 1


def parts_of(thing):
    """The names and values in a pickle."""
    version, fields = thing.__reduce_ex__(4)[1]
    assert version == VERSION
    return fields


def refused(cls, *arguments):
    with pytest.raises(pickle.UnpicklingError) as refusal:
        cls.__buffer_rebuild__(*arguments)
    assert type(refusal.value) is pickle.UnpicklingError
    return str(refusal.value)


def test_the_parts_are_what_is_documented():
    f = NATIVE
    assert parts_of(Traveller(1, 3, "label")) == {
        "ncols": 3,
        "label": "label",
        "companion": None,
        "data": (f"{f}f", np.arange(3, dtype="f4").tobytes()),
        "notes": ("B", b"notes"),
    }
    formats = {name: value[0] for name, value in parts_of(Luggage()).items()}
    assert formats == {
        "boxed": f"{f}h",
        "array": f"{f}I",
        "small": "B",
        "owned": f"{f}d",
        "bytes": "B",
        "rows": f"{f}H",
        "stops": f"T{{>I:a=b:(2){f}f:wait:}}",
        "nested": "(3,2)B",
        "long": f"{f}q",
        "sealed": "B",
    }
    assert parts_of(Luggage())["rows"][2] == 6
    assert set(parts_of(Columned())) == {"0", "1"}


def test_a_refusal_names_the_version_of_the_pickle_and_of_the_build():
    fields = parts_of(Traveller(1))
    for version in (0, 2, -1, 2**31 - 1):
        text = refused(Traveller, version, fields)
        assert text.startswith(
            f"the pickle of this `Traveller` has the version {version}, but this build reads the version 1"
        )


@pytest.mark.parametrize("arguments", [(), (1,), (1, None), ("1", {}), (2**40, {}), (1, {}, 3), (1, []), (None, None)])
def test_other_arguments_are_refused(arguments):
    assert refused(Traveller, *arguments).startswith("what the pickle says about this `Traveller` is not")


def test_a_field_that_is_missing_is_named():
    for name in parts_of(Traveller(1)):
        fields = parts_of(Traveller(1))
        del fields[name]
        assert refused(Traveller, 1, fields) == (
            f"the pickle has no field `{name}`, which `Traveller` has; it is of another version of this class"
        )


def test_an_additional_field_is_refused():
    fields = {**parts_of(Traveller(1)), "rate": 5}
    assert refused(Traveller, 1, fields) == (
        "the pickle has 6 fields, but `Traveller` has 5; it is of another version of this class"
    )


@pytest.mark.parametrize(
    "name, value", [("ncols", "three"), ("ncols", -1), ("ncols", 2**70), ("ncols", None), ("label", 3)]
)
def test_a_value_of_another_type_is_refused(name, value):
    fields = {**parts_of(Traveller(1)), name: value}
    assert refused(Traveller, 1, fields) == f"the pickle's value for the field `{name}` of `Traveller` is no such value"


@pytest.mark.parametrize(
    "memory, text",
    [
        (None, "is no memory"),
        (b"", "is no memory"),
        (("<f",), "is no memory"),
        (("<f", b"", 4), "is no memory"),
        ((b"<f", b""), "is no memory"),
        (("<d", b""), "has other elements than"),
        ((">f" if NATIVE == "<" else "<f", b""), "has other elements than"),
        (("f", b""), "has other elements than"),
        (("(1)<f", b""), "has other elements than"),
        (("\udc80", b""), "has other elements than"),
        ((NATIVE + "f", 5), "which has no bytes in one piece"),
        ((NATIVE + "f", "text"), "which has no bytes in one piece"),
        ((NATIVE + "f", memoryview(bytes(16))[::2]), "which has no bytes in one piece"),
        ((NATIVE + "f", bytes(5)), "it has 5 bytes, which are no whole number of elements of 4 bytes"),
    ],
)
def test_memory_of_another_kind_is_refused(memory, text):
    assert text in refused(Traveller, 1, {**parts_of(Traveller(1)), "data": memory})


def test_memory_that_does_not_fit_the_other_fields_is_refused():
    fields = parts_of(Traveller(4, 3))
    for ncols in (5, 0, 2**60):
        with pytest.raises(pickle.UnpicklingError) as refusal:
            Traveller.__buffer_rebuild__(1, {**fields, "ncols": ncols})
        assert (
            str(refusal.value)
            == "the pickle's memory for the field `data` of `Traveller` does not fit its other fields"
        )
        assert isinstance(refusal.value.__cause__, BufferError)
    gaps = parts_of(Gaps(bytes(range(48)), 3, 16, 4, "<i"))
    for wrong in ({"len": 4}, {"step": 40}, {"start": 100}, {"format": "nonsense"}, {"step": -16}):
        refused(Gaps, 1, {**gaps, **wrong})
    refused(Columned, 1, {**parts_of(Columned()), "0": (NATIVE + "i", bytes(12))})


def test_an_array_of_another_length_is_refused():
    for count in (0, 2, 4):
        fields = {**parts_of(Luggage()), "array": (NATIVE + "I", bytes(4 * count))}
        assert f"it has {count} elements, but there are always 3" in refused(Luggage, 1, fields)


@pytest.mark.parametrize("bytes_of_row", [-6, 0, 1, 8, 2**62, -(2**63), 2**63])
def test_impossible_rows_are_refused(bytes_of_row):
    refused(Luggage, 1, {**parts_of(Luggage()), "rows": (NATIVE + "H", bytes(12), bytes_of_row)})


def test_any_exporter_may_hold_the_memory():
    fields = parts_of(Traveller(2, 2))
    memory = np.arange(4, dtype="f4")
    for holder in (
        memory,
        memory.reshape(2, 2),
        array.array("f", memory),
        memoryview(memory),
        pickle.PickleBuffer(memory),
    ):
        back = Traveller.__buffer_rebuild__(1, {**fields, "data": (NATIVE + "f", holder)})
        assert (np.asarray(back) == [[0, 1], [2, 3]]).all()


def test_exceptions_that_the_pickle_did_not_cause_propagate():
    class Odd:
        def __init__(self, given):
            self.given = given

        def __call__(self, _):
            return self.given

    def fields(value):
        return parts_of(OddTraveller(Odd(value)))

    assert "is no such value" in refused(OddTraveller, 1, fields("wrong"))
    with pytest.raises(MemoryError, match="no memory"):
        OddTraveller.__buffer_rebuild__(1, fields("memory"))
    with pytest.raises(BaseException, match="a panic while unpickling") as panic:
        OddTraveller.__buffer_rebuild__(1, fields("panic"))
    assert type(panic.value).__name__ == "PanicException"


def test_an_exception_while_a_value_is_pickled_propagates():
    def interrupted(_):
        raise KeyboardInterrupt

    odd = OddTraveller(interrupted)
    with pytest.raises(KeyboardInterrupt):
        pickle.dumps(odd)
    odd.grow()


@pytest.mark.parametrize("other", [RustTraveller, type])
def test_a_class_of_rust_is_refused_whatever_python_code_has_changed(monkeypatch, other):
    """What Rust code has added to the object would not be initialised."""
    fields = parts_of(Traveller(1))
    monkeypatch.setattr(abc, "ABC", other)
    assert "this class adds fields of Rust to `Traveller`" in refused(RustTraveller, 1, fields)


def test_frames_that_are_missing_or_swapped_are_refused():
    frames = []
    data = pickle.dumps(Traveller(4, 4), protocol=5, buffer_callback=frames.append)
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(data, buffers=frames[:1])
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(data, buffers=frames[::-1])
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(data, buffers=[frame.raw()[1:] for frame in frames])
    assert np.asarray(pickle.loads(data, buffers=frames)).shape == (4, 4)


@pytest.mark.parametrize("protocol", range(6))
def test_truncated_pickles_are_refused(protocol):
    data = pickle.dumps(Traveller(2, label="label"), protocol=protocol)
    for end in range(len(data)):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
            pickle.loads(data[:end])


def read(exporter):
    """Reads all items, unless they are more than the machine has memory for a copy: with a stride of 0, a few bytes of
    memory are any number of items."""
    view = memoryview(exporter)
    if view.nbytes < 2**20:
        view.tobytes()


VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=3),
    st.binary(max_size=40),
    st.sampled_from([NATIVE + "f", "B", NATIVE + "H", bytes(48), 16, 6, "<i"]),
)
ANY = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4).map(tuple))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([Traveller, Luggage, Gaps, Columned]), st.data())
def test_lies_are_refused_or_true(cls, data):
    thing = {
        Traveller: lambda: Traveller(2, 3),
        Luggage: Luggage,
        Gaps: lambda: Gaps(bytes(range(48)), 3, 16, 4, "<i"),
        Columned: Columned,
    }[cls]()
    fields = parts_of(thing)
    for name in data.draw(st.lists(st.sampled_from([*fields]), max_size=3, unique=True)):
        old = fields[name]
        lie = ANY
        if type(old) is tuple and len(old) >= 2:
            # Most lies differ only a little from the truth.
            lie = st.one_of(
                st.binary(max_size=64).map(lambda memory, old=old: (old[0], memory, *old[2:])),
                st.tuples(st.just(old[0]), st.just(old[1]), st.integers(-10, 20)),
                ANY,
            )
        elif type(old) is int:
            lie = st.one_of(st.integers(-50, 50), st.integers())
        fields[name] = data.draw(lie)
    try:
        back = cls.__buffer_rebuild__(VERSION, fields)
    except pickle.UnpicklingError:
        return
    assert type(back) is cls
    for name in dir(back) if cls is Luggage else ():
        if not name.startswith("_"):
            read(getattr(back, name))
    if cls is not Luggage:
        read(back)
    assert parts_of(back).keys() == fields.keys()
