"""Tensors that consumers of DLPack make of our memory: what they show, and what they lock."""

import ctypes
import gc
import os
import re
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from apart import run
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Closing, Detaching, Log, Owner, ReadOnlyOwner, Series, Several, Tally
from dltensor import (
    BFLOAT,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    IS_COPIED,
    LEGACY,
    READ_ONLY,
    UINT,
    VERSIONED,
    Taken,
    api,
    versioned,
)
from exporters import KINDS
from messages import HINT
from test_strided import CONTENT, SIZE, items_of, random_layouts

# `np.from_dlpack` is older than what it asks for: versions, and read-only arrays that are not copies.
AS_NUMPY_2 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
numpy_2 = pytest.mark.skipif(not AS_NUMPY_2, reason="np.from_dlpack knows no versions before numpy 2.1")
ALIVE = "1 tensor is alive; delete every tensor first"
SHARE = ", or change values in place through `share`"


def refused(text):
    return pytest.raises(BufferError, match=f"^{re.escape(text)}$")


def test_a_tensor_shows_the_memory_and_locks_it():
    m = Owner([1, 2, 3])
    array = np.from_dlpack(m)
    assert (array.tolist(), array.dtype, m.views()) == ([1, 2, 3], np.int32, 0)
    if AS_NUMPY_2:
        array[1] = 20
        assert memoryview(m).tolist() == [1, 20, 3]
    memoryview(m)[2] = 30
    assert array[2] == 30
    rest = array[1:]
    del array
    gc.collect()
    with refused(f"cannot resize: {ALIVE}{SHARE}"):
        edges.grow(m, 4)
    with refused(f"cannot close: {ALIVE}"):
        m.close()
    assert rest.tolist() == [memoryview(m)[1], 30]
    del rest
    gc.collect()
    edges.grow(m, 4)
    assert len(memoryview(m)) == 4


def test_tensors_and_views_and_guards_live_together_as_views_do():
    m = Series([1.0, 2.0])
    one, other = versioned(m), versioned(m)
    with refused(f"cannot resize: 2 tensors are alive; delete every tensor first{SHARE}"):
        m.append(3)
    with refused("cannot read: 2 tensors are alive; delete every tensor first"):
        m.call_under("read", list)
    m.call_under("share", lambda: memoryview(m).release())
    with memoryview(m) as view:
        assert not view.readonly
        with refused("cannot resize: 1 writable view is alive; release or delete every view first" + SHARE + HINT):
            m.append(3)
    one.delete()
    with refused(f"cannot resize: {ALIVE}{SHARE}"):
        m.append(3)
    assert edges.holders(m) == [("tensor", None, None, None, None, None)]
    other.delete()
    assert edges.holders(m) == []
    m.append(3)
    m.call_under("read", list)


def test_beside_a_read_guard_a_tensor_is_read_only():
    m = Series([1.0, 2.0])
    made = []

    def inside():
        made.append(versioned(m))
        with pytest.raises(BufferError, match="the memory is read-only"):
            m.__dlpack__()

    m.call_under("read", inside)
    assert made[0].managed.flags == READ_ONLY
    # It does not exclude readers, but it does exclude moving.
    m.call_under("read", list)
    with refused(f"cannot resize: {ALIVE}{SHARE}"):
        m.append(3)
    writable = versioned(m)
    with refused("cannot read: 2 tensors are alive; delete every tensor first"):
        m.call_under("read", list)
    writable.delete()
    made[0].delete()
    reader = []
    m.call_under("read", lambda: reader.append(versioned(m)))
    m.call_under("read", list)
    reader[0].delete()
    m.append(3)


@pytest.mark.parametrize(("guard", "text"), [("write", "Rust is changing it")])
def test_a_tensor_is_refused_as_a_view_is(guard, text):
    m = Series([1.0])

    def inside():
        with pytest.raises(BufferError, match=f"cannot grant a view: {text}"):
            m.__dlpack__()
        with pytest.raises(BufferError, match=f"cannot grant a view: {text}"):
            m.__dlpack__(copy=True)

    m.call_under(guard, inside)
    m.close()
    with refused("cannot grant a view: it is closed"):
        m.__dlpack__()


def test_a_read_only_class_gives_read_only_tensors():
    m = ReadOnlyOwner([1, 2])
    taken = versioned(m)
    assert (taken.managed.flags, taken.name) == (READ_ONLY, VERSIONED)
    taken.delete()
    for ask in ({}, {"max_version": (0, 8)}, {"max_version": None}):
        with refused(
            "cannot export a tensor: the memory is read-only, and a consumer that does not pass max_version=(1, 0) "
            "would write to it; pass copy=True, or use a newer version of the consumer"
        ):
            m.__dlpack__(**ask)
    copy = Taken(m.__dlpack__(copy=True))
    assert (copy.name, copy.tensor.data % 64) == (LEGACY, 0)
    copy.delete()


@numpy_2
def test_numpy_honours_what_is_read_only():
    m = ReadOnlyOwner([1, 2])
    array = np.from_dlpack(m)
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        array.flags.writeable = True
    copy = np.from_dlpack(m, copy=True)
    copy[0] = 9
    assert (copy.flags.writeable, array.tolist()) == (True, [1, 2])


def test_versions():
    m = Owner([1])
    for asked, given in [((1, 0), (1, 0)), ((1, 1), (1, 1)), ((1, 3), (1, 2)), ((1, 2**40), (1, 2)), ((2, 0), (1, 2))]:
        taken = Taken(m.__dlpack__(max_version=asked))
        assert (taken.managed.major, taken.managed.minor, taken.managed.flags) == (*given, 0)
        taken.delete()
    for asked in (None, (0, 9)):
        taken = Taken(m.__dlpack__(max_version=asked))
        assert taken.name == LEGACY
        taken.delete()
    assert m.__dlpack_device__() == (1, 0)
    edges.grow(m, 2)


def numpys_type(dtype):
    codes = {"i": INT, "u": UINT, "f": FLOAT, "c": COMPLEX, "b": BOOL}
    return codes[dtype.kind], 8 * dtype.itemsize, 1


@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind[:3]) for kind in KINDS])
def test_every_class_shows_what_its_views_show(kind):
    for shape in kind.shapes():
        m = kind.make(shape)
        array = np.asarray(m)
        taken = versioned(m)
        assert taken.shape == array.shape
        assert taken.dtype == numpys_type(array.dtype)
        assert taken.managed.flags == (0 if array.flags.writeable else READ_ONLY)
        if array.size:
            assert taken.tensor.data == array.ctypes.data
            strides = [stride // array.itemsize for stride in array.strides]
            for extent, ours, theirs in zip(shape, taken.strides, strides):
                assert extent == 1 or ours == theirs
        assert (taken.tensor.byte_offset, taken.tensor.device_kind, taken.tensor.device_id) == (0, 1, 0)
        taken.delete()
        if AS_NUMPY_2:
            again = np.from_dlpack(m)
            assert (again.dtype, again.tolist()) == (array.dtype, array.tolist())
            copy = np.from_dlpack(m, copy=True)
            assert copy.flags.c_contiguous and copy.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("float16", "f2"),
        ("complex64", "c8"),
        ("complex128", "c16"),
        ("boolean", "?"),
        ("le_i32", "i4"),
        ("be_u8", "u1"),
    ],
)
def test_the_other_numbers(name, dtype):
    classes = {which: c for element, which, c in layouts.ELEMENTS if element == name}
    values = {"complex64": [(1.0, 2.0)], "complex128": [(1.0, 2.0)], "boolean": [True]}.get(name, [1]) * 2
    for which, c in classes.items():
        m = c(values)
        taken = versioned(m)
        assert taken.dtype == numpys_type(np.dtype(dtype))
        assert taken.shape == np.asarray(m).shape
        assert taken.managed.flags == (READ_ONLY if "readonly" in which else 0)
        taken.delete()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: layouts.Pairs(2),
            "its items are records of format .*, and DLPack has only numbers and bool; export one field, as in "
            r"np.asarray\(x\)\['name'\]",
        ),
        (lambda: element("bytes5")([b"abcde"]), "its items are byte strings of format \"5s\", .*view\\('u1'\\)"),
        (lambda: layouts.Bytes(bytes(24)).field("c", 0), 'its items are byte strings of format "c"'),
        (
            lambda: layouts.Bytes(bytes(24)).field("P", 0),
            'the format "P", and DLPack has only numbers and bool; convert',
        ),
        (
            lambda: layouts.Bytes(bytes(32)).field("g", 0),
            'the format "g", and DLPack has only numbers and bool; convert',
        ),
        (lambda: layouts.Bytes(bytes(24)).field("3i", 0), 'the format "3i", and DLPack has only numbers and bool'),
        (
            lambda: element("be_u16")([1]),
            'its items have the format ">H", and DLPack has only the byte order of this machine',
        ),
        (lambda: element("be_complex64")([(1, 2)]), 'format ">Zf", and DLPack has only the byte order'),
    ],
)
@pytest.mark.parametrize("copy", [None, True])
def test_items_that_dlpack_does_not_have(make, text, copy):
    m = make()
    with pytest.raises(BufferError, match=f"^cannot export a tensor: .*{text}"):
        m.__dlpack__(max_version=(1, 0), copy=copy)


def element(name):
    (found,) = (c for element, which, c in layouts.ELEMENTS if (element, which) == (name, "plain"))
    return found


def test_layouts_that_dlpack_does_not_have_are_copied():
    rows = layouts.Rows16([b"\1\0\2\0", b"\3\0\4\0"])
    odd = layouts.Bytes(bytes(range(40))).field("i", 1)
    wide = layouts.Strided1(CONTENT, 3, 6, 0)
    for m, text in [
        (rows, "its rows are allocated one by one; pass copy=True"),
        (odd, "its items do not begin at a multiple of their size; pass copy=True"),
        (
            wide,
            "the stride of dimension 0, 6 bytes, is no multiple of the 4 bytes of an item; pass copy=True",
        ),
    ]:
        with refused(f"cannot export a tensor: {text}"):
            m.__dlpack__(max_version=(1, 0))
        copy = versioned(m, copy=True)
        assert copy.managed.flags == IS_COPIED
        data = ctypes.string_at(copy.tensor.data, memoryview(m).nbytes)
        assert data == memoryview(m).tobytes()
        assert copy.shape == memoryview(m).shape
        copy.delete()


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_strides_count_items(ndim):
    c = {1: layouts.Strided1, 2: layouts.Strided2, 3: layouts.Strided3}[ndim]
    for shape, strides, offset in random_layouts(ndim, seed=50 + ndim):
        m = c(CONTENT, *shape, *strides, offset)
        if items_of(shape, strides, offset) is None:
            with pytest.raises(BufferError, match="cannot grant a view"):
                m.__dlpack__()
            continue
        view = memoryview(m)
        taken = versioned(m)
        assert (taken.shape, taken.managed.flags) == (tuple(shape), READ_ONLY if view.readonly else 0)
        assert list(taken.strides) == [stride // SIZE for stride in view.strides]
        copy = versioned(m, copy=True)
        assert ctypes.string_at(copy.tensor.data, view.nbytes) == view.tobytes()
        taken.delete()
        copy.delete()
        # Overlapping items are read-only, and a consumer that knows no flags does not get them.
        if view.readonly:
            with pytest.raises(BufferError, match="the memory is read-only"):
                m.__dlpack__()
        else:
            Taken(m.__dlpack__()).delete()


def test_no_dimensions_and_no_items():
    m = layouts.Whole(bytes(48), 3)
    scalar = versioned(m.item(1, 1))
    assert (scalar.shape, scalar.tensor.ndim) == ((), 0)
    assert not scalar.tensor.shape and not scalar.tensor.strides
    scalar.delete()
    many = layouts.Dimensions64(bytes(4), 1)
    taken = versioned(many)
    assert taken.shape == (1,) * 64
    taken.delete()
    empty = Owner([])
    taken = versioned(empty)
    assert taken.shape == (0,) and taken.strides == (1,)
    taken.delete()
    copy = versioned(empty, copy=True)
    assert copy.shape == (0,)
    copy.delete()
    edges.grow(empty, 1)


def test_properties_and_parts_lock_their_own_field():
    several = Several()
    values, column = versioned(several.values), versioned(several.column(1))
    assert (values.shape, column.shape, column.strides) == ((3,), (2,), (1,))
    with pytest.raises(BufferError, match="1 tensor is alive"):
        several.grow_values()
    with pytest.raises(BufferError, match="1 tensor is alive"):
        several.grow_cells()
    values.delete()
    several.grow_values()
    column.delete()
    several.grow_cells()
    sealed = versioned(several.sealed)
    assert sealed.managed.flags == READ_ONLY
    sealed.delete()
    with pytest.raises(BufferError, match="allocated one by one"):
        several.rows.__dlpack__()
    whole = layouts.Whole(bytes(48), 3)
    row = versioned(whole.row(2))
    with pytest.raises(BufferError, match="1 tensor is alive"):
        whole.replace(b"")
    row.delete()
    whole.replace(b"")
    pinned = versioned(several.pinned)
    pinned.delete()
    with pytest.raises(BufferError, match="the memory is pinned"):
        several.grow_pinned()


def test_a_subclass_exports_its_own_cell():
    parents, owns = Tally(), Tally()
    m = edges.Child([1], parents, [2.0], owns)
    taken = versioned(m)
    assert (taken.dtype, np.frombuffer((ctypes.c_double * 1).from_address(taken.tensor.data))[0]) == (
        (FLOAT, 64, 1),
        2.0,
    )
    del m
    gc.collect()
    assert (parents.drops, owns.drops) == (1, 0)
    taken.delete()
    # The storage's drop may run code, which a deleter must not: any view that is refused or granted slowly frees it.
    Owner([1]).__dlpack__()
    assert owns.drops == 1


@pytest.mark.parametrize("ask", [{}, {"max_version": (1, 0)}, {"max_version": (1, 0), "copy": True}])
def test_a_capsule_that_nobody_takes_frees_its_tensor(ask):
    m = Owner([1, 2])
    capsule = m.__dlpack__(**ask)
    if "copy" not in ask:
        with pytest.raises(BufferError, match="1 tensor is alive"):
            edges.grow(m, 1)
    del capsule
    edges.grow(m, 1)
    with pytest.raises(ZeroDivisionError):
        (m.__dlpack__(**ask), 1 / 0)
    edges.grow(m, 1)


@pytest.mark.parametrize("ask", [{}, {"max_version": (1, 0)}])
def test_a_capsule_that_was_taken_frees_nothing(ask):
    m = Owner([1, 2])
    capsule = m.__dlpack__(**ask)
    taken = Taken(capsule)
    del capsule
    with pytest.raises(BufferError, match="1 tensor is alive"):
        edges.grow(m, 1)
    taken.delete()
    edges.grow(m, 1)
    # An error of the consumer, which put another name there.
    capsule = m.__dlpack__(**ask)
    name = api.PyCapsule_GetName(capsule)
    api.PyCapsule_SetName(capsule, b"other")
    address = api.PyCapsule_GetPointer(capsule, b"other")
    del capsule
    with pytest.raises(BufferError, match="1 tensor is alive"):
        edges.grow(m, 1)
    assert name in (VERSIONED, LEGACY) and address


def test_a_tensor_outlives_its_object():
    tally = Tally()
    m = Owner([7, 8], tally)
    gone = weakref.ref(m)
    taken = versioned(m)
    del m
    assert gone() is None
    assert (tally.drops, list((ctypes.c_int * 2).from_address(taken.tensor.data))) == (0, [7, 8])
    thread = threading.Thread(target=taken.delete)
    thread.start()
    thread.join()
    Owner([1]).__dlpack__()
    assert tally.drops == 1


def test_tensors_end_on_threads_while_others_begin():
    m = Series([1.0, 2.0])
    failed = []

    def work():
        try:
            for _ in range(300):
                taken = versioned(m)
                assert taken.shape == (2,)
                taken.delete()
                np.from_dlpack(m)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    m.append(3)


def test_replaced_and_detached_memory_stays_with_its_tensors():
    m = Owner([1, 2])
    taken = versioned(m)
    edges.replace(m, [3])
    edges.grow(m, 4)
    assert list((ctypes.c_int * 2).from_address(taken.tensor.data)) == [1, 2]
    taken.delete()

    log = Log([1.0])
    taken = versioned(log)
    log.append(2.0)
    assert memoryview(log).tolist() == [1.0, 2.0]
    assert list((ctypes.c_double * 1).from_address(taken.tensor.data)) == [1.0]
    log.append(3.0)
    taken.delete()

    detaching = Detaching([1, 2])
    taken = versioned(detaching)
    detaching.detach()
    assert detaching.closed
    assert list((ctypes.c_int * 2).from_address(taken.tensor.data)) == [1, 2]
    taken.delete()

    closing = Closing([1])
    taken = versioned(closing)
    with pytest.raises(BufferError, match="cannot close: 1 tensor is alive"):
        closing.close()
    taken.delete()
    assert closing.close()


def test_inside_a_mutable_borrow():
    m = Owner([1])

    def inside():
        with pytest.raises(BufferError, match="is mutably borrowed"):
            m.__dlpack__()

    m.call_then_grow(inside)
    taken = versioned(m)
    with pytest.raises(BufferError, match="1 tensor is alive"):
        m.call_then_grow(lambda: None)
    taken.delete()
    m.call_then_grow(lambda: None)


def test_expressions_of_the_user_run_and_may_raise():
    shaped = edges.Shaped([1, 2], lambda: 2)
    taken = versioned(shaped)
    assert taken.shape == memoryview(shaped).shape
    taken.delete()
    with pytest.raises(ZeroDivisionError):
        edges.Shaped([1, 2], lambda: 1 / 0).__dlpack__()
    with pytest.raises(BufferError, match="cannot grant a view"):
        edges.Shaped([1, 2], lambda: 5).__dlpack__()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"stream": 1},
            BufferError,
            "cannot export a tensor: the memory is on the CPU, which has no streams; pass stream=None",
        ),
        (
            {"dl_device": (2, 1)},
            BufferError,
            "cannot export a tensor: the memory is on the CPU, device (1, 0), and not on (2, 1); leave dl_device out, "
            "and let the consumer move the tensor",
        ),
        ({"dl_device": 1}, TypeError, "__dlpack__() takes a tuple of two integers for 'dl_device', not 'int'"),
        ({"max_version": (1,)}, TypeError, "__dlpack__() takes a tuple of two integers for 'max_version', not of 1"),
        ({"copy": 1}, TypeError, "__dlpack__() takes True, False or None for 'copy', not 'int'"),
        ({"what": None}, TypeError, "__dlpack__() got an unexpected keyword argument 'what'"),
    ],
)
def test_arguments_that_are_refused(arguments, error, text):
    m = Owner([1])
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        m.__dlpack__(**arguments)
    with pytest.raises(TypeError, match=r"takes keyword arguments only \(1 positional given\)"):
        m.__dlpack__(None)
    with pytest.raises(TypeError):
        m.__dlpack__(max_version=("1", 0))
    Taken(m.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=False)).delete()
    edges.grow(m, 1)


def test_names_that_are_not_interned():
    m = Owner([1])
    name = "".join(["max_", "version"])
    taken = Taken(m.__dlpack__(**{name: (1, 0), "".join(["co", "py"]): True}))
    assert (taken.name, taken.managed.flags) == (VERSIONED, IS_COPIED)
    taken.delete()


def test_no_arguments_with_an_empty_tuple_of_names():
    """As code in C may call it: without a pointer to arguments."""
    testcapi = pytest.importorskip("_testcapi", reason="this Python was built without _testcapi, which calls as C does")
    m = Owner([1])
    taken = Taken(testcapi.pyobject_vectorcall(m.__dlpack__, None, ()))
    assert taken.name == LEGACY
    taken.delete()


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell how much memory is used")
def test_many_tensors_take_no_more_memory():
    m = Owner(list(range(100)))

    def some():
        for _ in range(10_000):
            np.from_dlpack(m)
            m.__dlpack__()
            m.__dlpack__(copy=True)

    def resident():
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1])

    some()
    before = resident()
    for _ in range(10):
        some()
    # In pages.
    assert resident() - before < 200
    edges.grow(m, 1)


def test_brain_floats_are_a_type_of_dlpack():
    m = edges.BrainFloats([1.0, -2.5])
    taken = versioned(m)
    assert (taken.dtype, m.tensors()) == ((BFLOAT, 16, 1), 1)
    # The upper half of a float32.
    bits = (ctypes.c_uint16 * 2).from_address(taken.tensor.data)
    assert [np.uint32(int(each) << 16).view(np.float32) for each in bits] == [1.0, -2.5]
    assert np.asarray(m)["bfloat16"].tolist() == list(bits)
    taken.delete()
    assert m.tensors() == 0


KEPT_AT_EXIT = {
    "capsule": "sys.kept = m.__dlpack__()",
    "array": "import numpy; sys.kept = numpy.from_dlpack(m)",
    "tensor": "sys.kept = versioned(m)",
    "deleted by an atexit function": "import atexit; atexit.register(versioned(m).delete)",
    "deleted by a thread after the end": """
taken = versioned(m)
import time
threading.Thread(target=lambda: (time.sleep(0.05), taken.delete()), daemon=True).start()
""",
}


@pytest.mark.parametrize("keep", KEPT_AT_EXIT.values(), ids=KEPT_AT_EXIT)
@pytest.mark.parametrize("owner", ["edges.Owner([1, 2])", "edges.Series([1.0])"])
def test_tensors_at_exit(keep, owner):
    script = f"""
import sys, threading
sys.path.insert(0, sys.argv[1])
from buffer_tests_ext import edges
from dltensor import versioned
m = {owner}
{keep}
del m
"""
    assert run(script, Path(__file__).parent) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_tensors_in_a_forked_child():
    script = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
sys.path.insert(0, sys.argv[1])
from buffer_tests_ext.edges import Series
from dltensor import versioned
m = Series([1.0])
taken = versioned(m)
others = versioned(m)
child = os.fork()
taken.delete()
try:
    m.append(2)
except BufferError as error:
    text = str(error)
others.delete()
m.append(2)
assert len(m) == 2
if child == 0:
    os.write(1, text.encode() + b"\\n")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(text)
"""
    child, parent = run(script, Path(__file__).parent).splitlines()
    assert parent == f"cannot resize: {ALIVE}{SHARE}"
    assert child.startswith(parent) and "this process was forked" in child
