"""Scoped views of ranges, of every layout, and of other libraries' objects: they show what the object shows."""

import array

import numpy as np
import pytest
from buffer_tests_ext import consumer, edges, layouts
from buffer_tests_ext.edges import Log, Owner, OwnersPiece, ReadOnlyOwner, Series, Tally, scoped, scoped_range
from pybuffer import FULL_RO, READ, SIMPLE, WRITABLE, WRITE, View
from pythons import since_312
from test_requests import answers, described, differences
from test_scoped import CONTENT, VALUES
from test_strided import items_of, ndarray, random_layouts


def test_a_range_is_bytes():
    m = Series(VALUES)
    with scoped_range(m, 8, 12) as v:
        assert (v.format, v.itemsize, v.shape, v.strides, v.ndim) == ("B", 1, (12,), (1,), 1)
        assert (v.tobytes(), v.readonly, v.contiguous) == (array.array("d", VALUES).tobytes()[8:20], False, True)
        v[:8] = array.array("d", [7.0]).tobytes()
    m.append(4)
    assert memoryview(m).tolist() == [1, 7, 3, 4]
    with scoped_range(m, 32, 0) as v, scoped_range(m, 0, 32) as all_of_it:
        assert (len(v), len(all_of_it)) == (0, 32)
    with scoped_range(ReadOnlyOwner([1]), 0, 4) as v:
        assert v.readonly


@pytest.mark.parametrize(
    ("offset", "length", "text"),
    [
        (-1, 1, "offset is -1; it must not be negative"),
        (0, -1, "length is -1; it must not be negative"),
        (-(2**63), -(2**63), f"offset is {-(2**63)}; it must not be negative"),
        (25, 0, "offset is 25, but there are 24 bytes; it must be at most 24"),
        (0, 25, "length is 25, but from offset 0 on there are 24 of 24 bytes"),
        (20, 5, "length is 5, but from offset 20 on there are 4 of 24 bytes"),
        (2**63 - 1, 2**63 - 1, f"offset is {2**63 - 1}, but there are 24 bytes; it must be at most 24"),
        (1, 2**63 - 1, f"length is {2**63 - 1}, but from offset 1 on there are 23 of 24 bytes"),
        (25, None, "offset is 25, but there are 24 bytes; it must be at most 24"),
        (-1, None, "offset is -1; it must not be negative"),
    ],
)
def test_a_range_outside_of_the_memory(offset, length, text):
    m = Series(VALUES)
    with pytest.raises(ValueError) as refusal:
        scoped_range(m, offset, length)
    assert (str(refusal.value), m.views()) == (text, 0)


def test_a_range_is_looked_at_again_when_its_block_begins():
    m = Series(VALUES)
    view = scoped_range(m, 16, 8)
    m.pop()
    with pytest.raises(ValueError, match="length is 8, but from offset 16 on there are 0 of 16 bytes"):
        with view:
            raise AssertionError("entered")
    assert m.views() == 0
    m.append(5)
    with view as v:
        assert v.cast("d")[0] == 5


def test_a_range_without_a_length_ends_where_the_object_ends_when_its_block_begins():
    m = Series(VALUES)
    view, all_of_it = scoped_range(m, 16), scoped_range(m, 0)
    for grow, expected in [(lambda: None, [3]), (lambda: m.append(4), [3, 4]), (lambda: m.append(5), [3, 4, 5])]:
        grow()
        with view as v, all_of_it as every:
            assert (v.cast("d").tolist(), every.cast("d").tolist()) == (expected, [1, 2, *expected])
    for _ in range(3):
        m.pop()
    with view as v:
        assert (len(v), v.format) == (0, "B")
    m.pop()
    with pytest.raises(ValueError, match="offset is 16, but there are 8 bytes; it must be at most 8"):
        with view:
            raise AssertionError("entered")
    assert m.views() == 0


def test_a_range_of_what_is_not_in_one_piece():
    for m in (np.arange(6)[::2], np.zeros((2, 3), order="F")):
        with pytest.raises((BufferError, ValueError), match="contiguous"):
            scoped_range(m, 0, 1)


@pytest.mark.parametrize("make", [bytearray, lambda content: array.array("B", content)], ids=["bytearray", "array"])
def test_objects_of_others_are_unlocked_too(make):
    m = make(b"abc")
    with scoped(m) as v:
        v[0] = 65
        with pytest.raises(BufferError):
            m.append(1)
    m.append(1)
    with pytest.raises(BufferError, match="at the end of its block"):
        with scoped_range(m, 1, 2) as v:
            kept = v[:]
    with pytest.raises(BufferError):
        m.append(1)
    kept.release()
    m.append(1)
    assert bytes(m) == b"Abc\1\1"


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_every_request_is_answered_as_the_object_answers_it(testbuffer, ndim):
    viewed = 0
    for shape, strides, offset in random_layouts(ndim, seed=20 + ndim):
        if items_of(shape, strides, offset) is None:
            continue
        viewed += 1
        reference = ndarray(testbuffer, shape, strides, offset, readonly=viewed % 2 == 0)
        with scoped(reference) as v:
            assert v.tolist() == reference.tolist()
            # Every view of `v` is a view of this object.
            assert not differences(answers(v.obj), answers(reference)), (shape, strides, offset)
    assert viewed > 30


@pytest.mark.parametrize("make", [lambda: 5, lambda: (2, 3), lambda: ()], ids=["vector", "matrix", "scalar"])
def test_numpys_own_arrays_are_answered_as_numpy_answers(make):
    content = np.ones(make(), np.float32)
    with scoped(content) as v:
        ours, theirs = (described(answers(exporter)) for exporter in (v.obj, memoryview(content)))
        assert not differences(ours, theirs)


def test_rows_keep_their_suboffsets():
    rows = layouts.Rows16(CONTENT)
    with scoped(rows) as v:
        ours, theirs = (described(answers(exporter)) for exporter in (v.obj, rows))
        assert not differences(ours, theirs)
        assert (v.suboffsets, v.tolist()) == (memoryview(rows).suboffsets, memoryview(rows).tolist())


def test_an_invalid_request_is_refused():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        for flags in (READ, WRITE):
            # Newer versions of CPython refuse these flags themselves, with a SystemError.
            with pytest.raises((BufferError, SystemError)):
                View(gate, flags)
        with View(gate, WRITABLE) as view:
            assert view.answer().readonly == 0
        with pytest.raises(BufferError, match="NULL Py_buffer"):
            edges.request_into_null(gate)
        readonly = ReadOnlyOwner([1])
        with scoped(readonly) as other, pytest.raises(BufferError, match="the buffer is read-only"):
            View(other.obj, WRITABLE)
    assert m.views() == 0


def test_the_view_of_a_block_grants_nothing_after_its_end():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        with memoryview(gate) as again:
            assert again.tolist() == VALUES
    for flags in (SIMPLE, FULL_RO):
        with pytest.raises(BufferError, match="the block that it belonged to has ended; view the object itself"):
            View(gate, flags)
    assert m.views() == 0

    # A view that the gate has granted keeps the memory in use.
    with pytest.raises(BufferError, match="at the end of its block"):
        with m.view() as v:
            kept = edges.request(v.obj, SIMPLE)
    assert m.views() == 1
    kept.release()
    assert m.views() == 0


@since_312
def test_releasing_it_by_hand_counts_once():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        one, other = gate.__buffer__(0), gate.__buffer__(0)
        gate.__release_buffer__(one)
        with pytest.raises(ValueError):
            gate.__release_buffer__(one)
        with pytest.raises(ValueError):
            gate.__release_buffer__(memoryview(b"another"))
        assert other.nbytes == 24
        other.release()
        assert m.views() == 1
    assert m.views() == 0


def test_parts_rows_and_read_only_views_are_scoped_like_others():
    owner = Owner([1, 2, 3])
    with scoped(OwnersPiece(owner, 4)) as v:
        assert v.nbytes > 0
        with pytest.raises(BufferError):
            edges.grow(owner, 1)
    edges.grow(owner, 1)
    with scoped(ReadOnlyOwner([1, 2])) as v:
        assert (v.readonly, v.tolist()) == (True, [1, 2])


def test_a_detached_cell_is_freed_at_the_end_of_the_block():
    m = Log([1.0])
    with scoped(m) as v:
        m.append(2)
        assert (v.tolist(), m.views()) == ([1], 0)
    tally = Tally()
    m = Owner([1, 2], tally)
    with scoped(m) as v:
        edges.replace(m, [3])
        assert (v.tolist(), tally.drops) == ([1, 2], 0)
    assert tally.drops == 1


def liar(**claims):
    it = consumer.Liar()
    for name, value in claims.items():
        setattr(it, name, value)
    return it


@pytest.mark.parametrize(
    "claims, problem",
    [
        ({"null_buf": True}, "its buf is NULL, and its len is not 0"),
        ({"null_obj": True}, "its obj is NULL, so nothing keeps its memory"),
        ({"ndim": -1}, "its ndim is not in 0..=64"),
        ({"ndim": 2**31 - 1}, "its ndim is not in 0..=64"),
        ({"shape": None}, "its shape is NULL"),
        ({"shape": None, "strides": None, "ndim": 2}, "its shape is NULL"),
    ],
)
def test_an_exporter_that_contradicts_itself_is_refused(claims, problem):
    it = liar(**claims)
    with pytest.raises(BufferError, match=f"the buffer of this 'Liar' contradicts itself: {problem}; this is a bug"):
        edges.scoped(it).__enter__()
    assert it.alive == 0


def test_a_range_of_an_exporter_needs_an_address_and_no_arrays():
    it = liar(null_buf=True)
    with pytest.raises(BufferError, match="its buf is NULL"):
        edges.scoped_range(it, 0, None)
    assert it.alive == 0
    it = liar(shape=None, ndim=2**31 - 1)
    with edges.scoped_range(it, 8, 16) as view:
        assert view.cast("d").tolist() == [2.0, 3.0]
        view.release()
    assert it.alive == 0
