"""Every request gets the reference answer: promise 4 in docs/design.md.

A request is a combination of the bits that the C API defines for the `flags` argument. The tests make each request of
our exporter and of CPython's, over the same items. Ours must refuse what CPython's refuse, and otherwise every field
must be equal.
"""

import contextlib
import functools
import importlib.util
import itertools
from ctypes import byref

import numpy as np
import pytest
from buffer_tests_ext import edges, layouts
from exporters import each_kind, the_kind
from pybuffer import (
    ANY_CONTIGUOUS,
    C_CONTIGUOUS,
    CONTIG,
    CONTIG_RO,
    F_CONTIGUOUS,
    FORMAT,
    FULL,
    FULL_RO,
    INDIRECT,
    ND,
    READ,
    RECORDS,
    RECORDS_RO,
    SIMPLE,
    STRIDED,
    STRIDED_RO,
    STRIDES,
    WRITABLE,
    WRITE,
    MemoryviewByHand,
    PyBuffer,
    View,
    ask,
    get_buffer,
)

BITS = [0x1, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100]
# All combinations except READ alone, which is not a request: see `test_flags_of_another_function_are_no_request`.
REQUESTS = sorted({sum(bits) for n in range(len(BITS) + 1) for bits in itertools.combinations(BITS, n)} - {READ})


def answers(exporter):
    """The answers to all requests, by request. None is a refusal."""
    return {hex(flags): ask(exporter, flags) for flags in REQUESTS}


def described(answered):
    return {flags: answer and answer.described() for flags, answer in answered.items()}


def differences(ours, theirs):
    return {flags: (ours[flags], theirs[flags]) for flags in theirs if ours[flags] != theirs[flags]}


@contextlib.contextmanager
def ndarray(dtype, shape, order, readonly, content):
    """The exporter with which CPython tests its own consumers."""
    import _testbuffer

    flags = (0 if readonly else _testbuffer.ND_WRITABLE) | (_testbuffer.ND_FORTRAN if order == "F" else 0)
    # `_testbuffer.ndarray` needs at least one item, even if the shape has none.
    items = np.frombuffer(content, dtype).tolist() or [0]
    yield _testbuffer.ndarray(items, shape=list(shape), format=dtype.char, flags=flags)


def memoryview_by_hand(dtype, shape, order, readonly, content):
    return MemoryviewByHand(content, dtype.char, dtype.itemsize, shape, order, readonly)


@pytest.fixture(scope="module")
def references():
    """The available exporters of CPython: only memoryview if this Python has no `_testbuffer`."""
    found = importlib.util.find_spec("_testbuffer")
    return [ndarray, memoryview_by_hand] if found else [memoryview_by_hand]


@functools.cache
def answers_of(reference, *buffer):
    """The answers of the reference, and those of a memoryview of it."""
    with reference(*buffer) as exporter:
        return described(answers(exporter)), described(answers(memoryview(exporter)))


def check(references, kind, shape, m, readonly=None):
    """Compares all answers of `m` with the references' answers for this kind and shape."""
    ours = answers(m)
    assert m.views() == 0
    with memoryview(m) as view:
        through_memoryview = answers(view)
        # These views join one that is alive. Each view above was the first.
        assert answers(m) == ours
        assert m.views() == 1
    assert m.views() == 0
    # Every request shows the same address.
    (address,) = {answer.buf for answer in ours.values() if answer}
    assert address is not None
    readonly = kind.readonly if readonly is None else readonly
    for reference in references:
        direct, indirect = answers_of(reference, kind.dtype, shape, kind.order, readonly, kind.content(shape))
        assert differences(described(ours), direct) == {}
        assert differences(described(through_memoryview), indirect) == {}


def test_the_references_are_memoryview_and_cpythons_own_exporter(references, testbuffer):
    assert len(references) == 2


@each_kind()
def test_every_class_answers_every_request_as_cpython(kind, references):
    check(references, kind, kind.shape(), kind.make())


@each_kind(element="i32")
def test_every_shape_answers_every_request_as_cpython(kind, references):
    for shape in kind.shapes():
        check(references, kind, shape, kind.make(shape))


@pytest.mark.parametrize("shape", [(24,), (4, 6), (2, 3, 4)], ids=str)
def test_every_request_is_answered_as_by_a_bytearray_that_was_cast(shape):
    kind = the_kind("vec", {1: "natural", 2: "c2", 3: "c3"}[len(shape)], "i32")
    theirs = answers(memoryview(bytearray(kind.content())).cast("i", shape))
    assert differences(described(answers(kind.make(shape))), described(theirs)) == {}


@pytest.mark.parametrize(
    ("layout", "shape", "make"),
    [
        pytest.param("c2", (4, 6), lambda content: layouts.NotFrozen(content, 6), id="NotFrozen"),
        pytest.param("c2", (4, 6), lambda content: layouts.Inferred(content, 6), id="Inferred"),
        pytest.param("c3", (1, 4, 6), lambda content: layouts.Declared(content, 1, 4, 6), id="Declared"),
        pytest.param("c2", (4, 6), lambda content: layouts.Base(content, 6), id="Base"),
        pytest.param("c2", (4, 6), lambda content: layouts.Derived(content, 6, ""), id="Derived"),
        pytest.param("c2", (4, 6), lambda content: type("Sub", (layouts.Base,), {})(content, 6), id="Subclass"),
        pytest.param("natural", (24,), lambda content: layouts.TupleStruct(content), id="TupleStruct"),
        pytest.param("f2", (4, 6), lambda content: layouts.TupleStructWithShape(content, 4), id="TupleStructWithShape"),
        pytest.param("f2", (4, 6), lambda content: layouts.InferredLast(content, 4), id="InferredLast"),
        pytest.param("f2", (4, 6), lambda content: layouts.Expression(content, 4, 6), id="Expression"),
    ],
)
def test_a_class_of_every_form_answers_every_request_as_cpython(layout, shape, make, references):
    kind = the_kind("vec", layout, "f32")
    check(references, kind, shape, make(kind.content()))


def test_beside_a_read_guard_every_request_is_answered_as_for_a_read_only_buffer(references):
    kind = the_kind("vec", "c2", "f32")
    m = layouts.ReadFromRust(kind.content(), 4, 6)
    check(references, kind, (4, 6), m, readonly=False)
    m.begin()
    check(references, kind, (4, 6), m, readonly=True)


@pytest.mark.parametrize("layout", ["natural", "c2", "f2", "readonly"])
def test_what_the_first_view_asked_makes_no_difference_to_the_next(layout):
    m = the_kind("vec", layout, "f32").make()
    alone = answers(m)
    for first in SIMPLE, WRITABLE, ND, STRIDES, F_CONTIGUOUS, ANY_CONTIGUOUS, FULL_RO, FULL:
        if alone[hex(first)] is None:
            continue
        with View(m, first) as held:
            assert answers(m) == alone
            assert held.answer() == alone[hex(first)]
            assert m.views() == 1
        assert m.views() == 0


@pytest.mark.parametrize("bit", [0x2, 0x200, 0x800, 0x4000_0000, -0x8000_0000], ids=hex)
@pytest.mark.parametrize("layout", ["c2", "f2"])
def test_a_bit_that_no_request_has_is_ignored(layout, bit):
    m = the_kind("vec", layout, "f32").make()
    for flags in REQUESTS:
        if flags | bit != WRITE:
            assert ask(m, flags | bit) == ask(m, flags), hex(flags)


# Single rules, tested one by one. The memory is that of 2 x 3 int32.


def c_ordered():
    return the_kind("vec", "c2", "i32").make((2, 3))


def f_ordered():
    return the_kind("vec", "f2", "i32").make((2, 3))


def read_only():
    return the_kind("vec", "readonly", "i32").make((6,))


CONTENT = the_kind("vec", "c2", "i32").content((2, 3))


def test_a_refusal_is_a_buffer_error_that_leaves_no_object_and_counts_no_view():
    m = f_ordered()
    for held in 0, 1:
        # `View` sets `obj` before the request, and checks that a refusal makes it NULL.
        with pytest.raises(BufferError, match="not C-contiguous"):
            View(m, SIMPLE)
        assert m.views() == held
        if not held:
            view = memoryview(m)
    view.release()


def test_a_refusal_while_it_would_be_the_first_view_leaves_the_storage_free_to_grow():
    m = f_ordered()
    with pytest.raises(BufferError):
        View(m, C_CONTIGUOUS)
    m.replace(bytes(24))


@pytest.mark.parametrize("exporter", [c_ordered, read_only], ids=["c_ordered", "read_only"])
def test_simple_shows_bytes_in_one_dimension(exporter):
    answer = ask(exporter(), SIMPLE)
    assert (answer.ndim, answer.itemsize, answer.len) == (1, 4, 24)
    assert (answer.shape, answer.strides, answer.suboffsets, answer.format) == (None, None, None, None)
    assert answer.content == CONTENT


@each_kind(element="u16")
def test_simple_is_never_more_than_one_dimension(kind):
    for shape in kind.shapes():
        for flags in SIMPLE, WRITABLE:
            answer = ask(kind.make(shape), flags)
            if answer is not None:
                assert (answer.ndim, answer.shape, answer.strides) == (1, None, None)


def test_format_without_a_shape_is_refused_as_by_memoryview():
    for exporter in c_ordered(), read_only(), memoryview(b"").cast("i"), memoryview(bytearray(24)).cast("i", (2, 3)):
        assert ask(exporter, FORMAT) is None
        assert ask(exporter, FORMAT | ND).format == b"i"


@pytest.mark.parametrize("flags", [SIMPLE, WRITABLE, ND, CONTIG, CONTIG_RO, C_CONTIGUOUS], ids=hex)
def test_f_order_is_refused_to_whoever_assumes_c_order(flags):
    assert ask(f_ordered(), flags) is None


@pytest.mark.parametrize("flags", [F_CONTIGUOUS, ANY_CONTIGUOUS, STRIDES, INDIRECT, FULL], ids=hex)
def test_f_order_is_granted_to_whoever_asks_for_it_or_for_strides(flags):
    answer = ask(f_ordered(), flags)
    assert (answer.ndim, answer.shape, answer.strides) == (2, (2, 3), (4, 8))
    # The items in memory order: nothing is reordered.
    assert answer.content == CONTENT


def test_c_order_is_refused_to_whoever_asks_for_f_order():
    m = c_ordered()
    assert ask(m, F_CONTIGUOUS) is None
    assert ask(m, F_CONTIGUOUS | C_CONTIGUOUS) is None
    assert ask(m, C_CONTIGUOUS).strides == (12, 4)
    assert ask(m, ANY_CONTIGUOUS).strides == (12, 4)


@pytest.mark.parametrize("layout", ["c2", "f2"])
@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (0, 5), (5, 0), (0, 0)], ids=str)
def test_a_row_a_column_or_nothing_is_in_both_orders(layout, shape):
    m = the_kind("vec", layout, "i32").make(shape)
    for flags in C_CONTIGUOUS, F_CONTIGUOUS, C_CONTIGUOUS | F_CONTIGUOUS, ANY_CONTIGUOUS, ND, SIMPLE:
        assert ask(m, flags) is not None, hex(flags)
    assert ask(m, F_CONTIGUOUS).shape == shape


def test_a_shape_comes_without_strides_where_they_are_not_asked_for():
    answer = ask(c_ordered(), ND)
    assert (answer.ndim, answer.shape, answer.strides) == (2, (2, 3), None)


@pytest.mark.parametrize("flags", [WRITABLE, CONTIG, STRIDED, RECORDS, FULL], ids=hex)
def test_a_read_only_buffer_refuses_whoever_means_to_write(flags):
    with pytest.raises(BufferError, match="the buffer is read-only"):
        View(read_only(), flags)


def test_a_refusal_names_what_stays_rather_than_a_guard_that_ends():
    m = edges.ReadOnlyPinned([1])

    def inside():
        with pytest.raises(BufferError, match="the buffer is read-only"):
            View(m, WRITABLE)

    m.call_under_read(inside)


@pytest.mark.parametrize("flags", [SIMPLE, CONTIG_RO, STRIDED_RO, RECORDS_RO, FULL_RO], ids=hex)
def test_a_read_only_buffer_is_granted_to_whoever_only_reads(flags):
    answer = ask(read_only(), flags)
    assert answer.readonly == 1
    assert answer.content == CONTENT


@pytest.mark.parametrize("flags", [SIMPLE, CONTIG_RO, FULL_RO, WRITABLE, FULL], ids=hex)
def test_a_buffer_that_may_be_written_says_so_to_whoever_asks(flags):
    assert ask(c_ordered(), flags).readonly == 0


@pytest.mark.parametrize("exporter", [c_ordered, read_only, lambda: layouts.NotFrozen(CONTENT, 3)])
@pytest.mark.parametrize("flags", [SIMPLE, FULL_RO, WRITABLE, FORMAT, READ | STRIDES], ids=hex)
def test_a_request_without_a_view_to_fill_is_an_exception(exporter, flags):
    m = exporter()
    with pytest.raises(BufferError, match="NULL"):
        get_buffer(m, None, flags)
    assert m.views() == 0
    with memoryview(m):
        with pytest.raises(BufferError, match="NULL"):
            get_buffer(m, None, flags)
        assert m.views() == 1


@pytest.mark.parametrize("flags", [READ, WRITE], ids=["READ", "WRITE"])
def test_flags_of_another_function_are_no_request(flags):
    m = c_ordered()
    for held in 0, 1:
        # Newer versions of CPython refuse these flags themselves, with a SystemError.
        with pytest.raises((BufferError, SystemError)) as refusal:
            get_buffer(m, byref(PyBuffer()), flags)
        if refusal.type is BufferError:
            assert "PyBUF_READ" in str(refusal.value)
            assert ask(m, flags) is None
        assert m.views() == held
        if not held:
            view = memoryview(m)
    view.release()
