"""`with m.view() as v:`: a memoryview that ends with its block, or an error that says who keeps it."""

import array
import contextlib
import ctypes
import gc
import pickle
import sys
import threading
import weakref

import apart
import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Log, Owner, OwnersPiece, ReadOnlyOwner, Series, Tally, scoped, scoped_range
from pybuffer import FULL_RO, READ, SIMPLE, WRITABLE, WRITE, View
from test_requests import answers, described, differences
from test_strided import items_of, ndarray, random_layouts

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code reaches the slots from 3.12 on")

VALUES = [1.0, 2.0, 3.0]

CONTENT = [b"\1\2\3\4\5\6", b"\7\x08\x09\x0a\x0b\x0c"]

HELD = (
    "cannot release the view at the end of its block: a slice of it, an array or another consumer still holds the "
    "memory; delete them inside the block, or make copies of what is needed afterwards"
)
RELEASED = "operation forbidden on released memoryview object"


def test_a_view_ends_with_its_block_though_its_variable_lives():
    m = Series(VALUES)
    with m.view() as v:
        assert type(v) is memoryview
        assert (v.tolist(), v.format, v.shape, v.readonly) == (VALUES, "d", (3,), False)
        v[0] = 9.0
        with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
            m.append(4)
    assert m.views() == 0
    m.append(4)
    for use in (lambda: v[0], lambda: v[1:], lambda: bytes(v), lambda: len(v), lambda: np.frombuffer(v), lambda: v.obj):
        with pytest.raises(ValueError, match=RELEASED):
            use()
    with m.view() as v:
        assert v.tolist() == [9, 2, 3, 4]


def test_what_nobody_enters_locks_nothing():
    m = Series(VALUES)
    view = m.view()
    ranged = scoped_range(m, 8, 8)
    assert m.views() == 0
    m.append(4)
    with view as v, ranged as bytes_of_one:
        assert (v.nbytes, bytes_of_one.cast("d")[0]) == (32, 2.0)
        assert m.views() == 2
    assert m.views() == 0


CONSUMERS = {
    "slice": lambda v: v[1:],
    "another memoryview": memoryview,
    "cast": lambda v: v.cast("B"),
    "toreadonly": memoryview.toreadonly,
    "asarray": np.asarray,
    "slice of asarray": lambda v: np.asarray(v)[1:],
    "frombuffer": np.frombuffer,
    "ctypes": (ctypes.c_double * 3).from_buffer,
    "iterator": lambda v: [v[index:] for index in range(3)],
}
# These hold the memoryview itself, as they do anybody's.
HOLDERS = {
    "PickleBuffer": pickle.PickleBuffer,
    "C": lambda v: edges.request(v, 0),
    "BufferView": lambda v: scoped(v).__enter__(),
}


@pytest.mark.parametrize("consume", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_who_keeps_the_memory_is_reported_and_unlocks_it_in_the_end(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept = consume(v)
    assert (str(refusal.value), refusal.value.__context__) == (HELD, None)
    assert m.views() == 1
    with pytest.raises(BufferError):
        m.append(4)
    with pytest.raises(ValueError, match=RELEASED):
        v[0]
    assert bytes(kept[0] if isinstance(kept, list) else kept)

    del kept, refusal
    gc.collect()
    assert m.views() == 0
    m.append(4)


@pytest.mark.parametrize("consume", HOLDERS.values(), ids=HOLDERS.keys())
def test_who_keeps_the_view_keeps_it_alive(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError) as refusal:
        with m.view() as v:
            kept = consume(v)
    assert str(refusal.value) == HELD
    assert (m.views(), v.tolist()) == (1, VALUES)
    del kept, refusal
    gc.collect()
    # As with any memoryview, it now takes its release, or its end.
    v.release()
    assert m.views() == 0
    m.append(4)


@pytest.mark.parametrize("consume", [*CONSUMERS.values(), *HOLDERS.values()], ids=[*CONSUMERS, *HOLDERS])
def test_who_lets_go_inside_the_block_is_no_trouble(consume):
    m = Series(VALUES)
    with m.view() as v:
        kept = consume(v)
        del kept
        gc.collect()
    assert m.views() == 0
    m.append(4)


def test_a_view_may_be_released_inside_its_block():
    m = Series(VALUES)
    with m.view() as v:
        v.release()
        assert m.views() == 0
        m.append(4)
    with m.view() as v:
        piece = v[1:]
        v.release()
        assert (piece.tolist(), m.views()) == ([2, 3, 4], 1)
        piece.release()
        assert m.views() == 0


def test_what_a_block_raises_goes_through():
    m = Series(VALUES)
    with pytest.raises(KeyError, match="mine") as raised:
        with m.view():
            raise KeyError("mine")
    assert raised.value.__context__ is None
    assert m.views() == 0


@pytest.mark.parametrize("consume", [np.asarray, pickle.PickleBuffer])
def test_what_a_block_raises_is_shown_with_what_its_end_raises(consume):
    m = Series(VALUES)
    with pytest.raises(BufferError, match="at the end of its block") as refusal:
        with m.view() as v:
            kept = consume(v)
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    del kept, refusal, v
    gc.collect()
    m.append(4)


def test_an_exit_stack_ends_views_and_keeps_the_chain():
    m, other = Series(VALUES), Series(VALUES)
    with contextlib.ExitStack() as stack:
        views = [stack.enter_context(of.view()) for of in (m, other, m)]
        assert (m.views(), other.views()) == (2, 1)
    assert (m.views(), other.views()) == (0, 0)
    assert len(views) == 3

    with pytest.raises(BufferError) as refusal:
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(m.view())[1:]
            raise KeyError("mine")
    assert isinstance(refusal.value.__context__, KeyError)
    kept.release()
    assert m.views() == 0


def test_blocks_inside_blocks():
    m = Series(VALUES)
    with m.view() as one:
        with m.view() as other:
            assert m.views() == 2
            other[0] = 5.0
        assert (m.views(), one[0]) == (1, 5.0)
        with pytest.raises(ValueError):
            other[0]
    assert m.views() == 0

    with m.view() as outer, scoped(outer) as inner, scoped_range(inner, 8, 16) as innermost:
        assert innermost.cast("d").tolist() == [2, 3]
    assert m.views() == 0
    m.append(4)


def test_a_block_inside_a_block_that_keeps_the_outer_view():
    m = Series(VALUES)
    with pytest.raises(BufferError, match="at the end of its block"):
        with m.view() as outer:
            inner_scope = scoped(outer)
            inner_scope.__enter__()
    inner_scope.__exit__(None, None, None)
    outer.release()
    m.append(4)


def test_one_view_is_entered_once_at_a_time():
    m = Series(VALUES)
    view = m.view()
    with view as v:
        with pytest.raises(RuntimeError, match="its block has not ended; ask the object for another view"):
            with view:
                raise AssertionError("entered twice")
        assert (m.views(), v.tolist()) == (1, VALUES)
    m.append(4)
    with view as v:
        assert v.tolist() == [1, 2, 3, 4]
    # Its end was already; another one changes nothing.
    view.__exit__(None, None, None)
    view.__exit__()
    assert m.views() == 0


def test_without_with_it_is_no_buffer():
    view = Series(VALUES).view()
    for use in (memoryview, bytes, lambda view: b"".join([view])):
        with pytest.raises(TypeError, match="ScopedView"):
            use(view)
    for use in (np.asarray, np.array, lambda view: np.asarray(view, dtype=float)):
        with pytest.raises(TypeError, match="enter it first, as in `with"):
            use(view)


def test_what_is_no_buffer_is_refused_at_once():
    for make in (scoped, lambda thing: scoped_range(thing, 0, 0)):
        with pytest.raises(TypeError, match="a bytes-like object is required, not 'list'"):
            make([1, 2])


def test_a_refusal_is_raised_where_the_block_begins():
    m = Series(VALUES)
    view = m.view()
    m.close()
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        with view:
            raise AssertionError("entered")
    with pytest.raises(BufferError, match="cannot grant a view: it is closed"):
        scoped_range(m, 0, 0)


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
        (25, 0, "offset is 25, but there are 24 bytes; the end is 24"),
        (0, 25, "length is 25, but from offset 0 on there are 24 of 24 bytes"),
        (20, 5, "length is 5, but from offset 20 on there are 4 of 24 bytes"),
        (2**63 - 1, 2**63 - 1, f"offset is {2**63 - 1}, but there are 24 bytes; the end is 24"),
        (1, 2**63 - 1, f"length is {2**63 - 1}, but from offset 1 on there are 23 of 24 bytes"),
    ],
)
def test_a_range_that_is_not_there(offset, length, text):
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
            # All that is viewed is viewed through this object.
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


def test_what_is_no_request_is_refused():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        for flags in (READ, WRITE):
            # Later versions of CPython stop them with a SystemError of their own.
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


def test_what_stood_between_grants_nothing_after_its_end():
    m = Series(VALUES)
    with m.view() as v:
        gate = v.obj
        with memoryview(gate) as again:
            assert again.tolist() == VALUES
    for flags in (SIMPLE, FULL_RO):
        with pytest.raises(BufferError, match="the block that it belonged to has ended; view the object itself"):
            View(gate, flags)
    assert m.views() == 0

    # One that it grants is one that keeps the memory.
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
