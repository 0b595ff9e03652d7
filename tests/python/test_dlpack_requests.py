"""What a consumer may request from `__dlpack__`: versions, flags, copies, and arguments that are refused."""

import re

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, ReadOnlyOwner
from dltensor import IS_COPIED, LEGACY, READ_ONLY, VERSIONED, Taken, versioned
from numpys import numpy_2


def refused(text):
    return pytest.raises(BufferError, match=f"^{re.escape(text)}$")


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
        ({"dl_device": (1, 0, 0)}, TypeError, "__dlpack__() takes a tuple of two integers for 'dl_device', not of 3"),
        (
            {"max_version": (1, 0, 0)},
            TypeError,
            "__dlpack__() takes a tuple of two integers for 'max_version', not of 3",
        ),
        ({"copy": 1}, TypeError, "__dlpack__() takes True, False or None for 'copy', not 'int'"),
        ({"what": None}, TypeError, "__dlpack__() got an unexpected keyword argument 'what'"),
    ],
)
@pytest.mark.parametrize("viewed", [False, True])
def test_arguments_that_are_refused(arguments, error, text, viewed):
    m = Owner([1])
    # A request for memory that was viewed before may be answered at once.
    if viewed:
        versioned(m).delete()
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
