"""Every request for every layout gets the same answer as from the exporter of CPython's own buffer tests.

This needs the project's test extension, which `cargo xtask test python` builds.
"""

from buffer_tests_ext.edges import differences
from drawn import layouts, packed
from dynarray import DynArray
from hypothesis import given

# All combinations of a request's bits; and the same with the bit of `PyBUF_WRITE`, which has no meaning in a request.
REQUESTS = 0, 0x200
WITH_ANOTHER_BIT = 0x200, 0x400


def ndarray(testbuffer, layout, readonly):
    """The same layout over the same memory."""
    items, _ = packed(layout.format)
    items = [item[0] if len(item) == 1 else item for item in items[: layout.size // layout.itemsize]]
    flags = 0 if readonly else testbuffer.ND_WRITABLE
    if not layout.full_shape:
        # Without dimensions, `_testbuffer.ndarray` accepts exactly one item.
        return testbuffer.ndarray(items[layout.offset // layout.itemsize], shape=[], format=layout.format, flags=flags)
    shape, strides = list(layout.full_shape), list(layout.full_strides)
    return testbuffer.ndarray(
        items, shape=shape, strides=strides, offset=layout.offset, format=layout.format, flags=flags
    )


def check(testbuffer, layout):
    memory = packed(layout.format)[1][: layout.size]
    m = DynArray(memory, **layout.keywords)
    places = layout.places()
    assert (m.format, m.shape, m.strides) == (layout.format, layout.full_shape, layout.full_strides)
    assert m.nbytes == len(places) * layout.itemsize
    assert m.readonly == (layout.readonly or layout.overlaps())

    reference = ndarray(testbuffer, layout, m.readonly)
    assert not differences(m, reference, *REQUESTS)
    with memoryview(m) as view:
        assert not differences(m, reference, *WITH_ANOTHER_BIT)
        assert view.readonly == m.readonly
        assert view.tobytes() == b"".join(memory[place : place + layout.itemsize] for place in places)
    m.resize(layout.size)


@given(layout=layouts())
def test_every_request_gets_the_reference_answer(testbuffer, layout):
    for variant in layout.variants():
        check(testbuffer, variant)
