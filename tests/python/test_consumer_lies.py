"""Exporters that are wrong or lie: every claim is checked before their memory is accessed."""

import ctypes
import random
import re

import numpy as np
import pytest
from buffer_tests_ext import consumer
from pybuffer import FULL, FULL_RO, PyBuffer, memoryview_from_buffer

MAX = 2**63 - 1
CONTRADICTS = "the buffer of this 'Liar' contradicts itself: "


def liar(**claims):
    """A liar that truthfully exports four doubles, except for these claims."""
    it = consumer.Liar()
    for name, value in claims.items():
        setattr(it, name, value)
    return it


def test_a_liar_that_tells_the_truth_is_believed():
    it = liar()
    assert consumer.read("f64", it) == [1, 2, 3, 4]
    assert (it.alive, it.granted, it.asked) == (0, 1, [FULL_RO])
    consumer.fill("f64", it, 7.0)
    assert consumer.read("f64", it) == [7, 7, 7, 7]
    assert it.asked[1] == FULL


# The false claims, and the message that refuses them.
LIES = {
    "len too small": (dict(len=31), "len is 31, but items of 8 bytes in the shape (4,) have 32 bytes"),
    "len too large": (dict(len=40), "len is 40, but"),
    "len 0": (dict(len=0), "len is 0, but"),
    "len negative": (dict(len=-32), "len is -32, but"),
    "len, empty": (dict(shape=[0]), "len is 32, but items of 8 bytes in the shape (0,) have 0 bytes"),
    "itemsize 0": (dict(itemsize=0), "an item of format 'd' has 8 bytes, but itemsize is 0"),
    "itemsize negative": (dict(itemsize=-8), "but itemsize is -8"),
    "itemsize too small": (dict(itemsize=4), "but itemsize is 4"),
    "itemsize too large": (dict(itemsize=16), "but itemsize is 16"),
    "ndim negative": (dict(ndim=-1), "ndim is -1, and a buffer has 0 to 64 dimensions"),
    "ndim least": (dict(ndim=-(2**31)), "ndim is -2147483648"),
    "ndim 65": (dict(ndim=65), "ndim is 65"),
    "ndim greatest": (dict(ndim=2**31 - 1), "ndim is 2147483647"),
    "ndim 0 of four": (dict(ndim=0), "len is 32, but items of 8 bytes in the shape () have 8 bytes"),
    "no shape": (dict(ndim=3, shape=None), "shape is NULL, and ndim is 3"),
    "no shape nor strides": (dict(ndim=2, shape=None, strides=None), "shape is NULL, and ndim is 2"),
    "part of an item": (dict(shape=None, len=33), "len is 33, which is no multiple of the itemsize 8"),
    "negative len without shape": (dict(shape=None, len=-8), "len is -8, which is no multiple"),
    "negative extent": (dict(shape=[-4]), "dimension 0 of the shape is negative: -4"),
    "two negative extents": (dict(ndim=2, shape=[-2, -2], strides=[16, 8]), "dimension 0 of the shape is negative: -2"),
    "negative beside 0": (dict(ndim=2, shape=[0, -1], strides=[8, 8], len=0), "dimension 1 of the shape is negative"),
    "overflowing extent": (dict(shape=[2**61 + 4]), "more bytes than memory can have"),
    "overflowing shape": (dict(ndim=2, shape=[2**32, 2**32], strides=[0, 0], len=0), "more bytes than memory"),
    "wrapping shape": (dict(ndim=2, shape=[2**32, 2**29 + 1], strides=[0, 0]), "more bytes than memory"),
    "overflowing strides": (dict(strides=[2**62]), "more bytes than memory can have"),
    "negative strides": (dict(strides=[-(2**60)]), "more bytes than memory can have"),
    "least stride": (dict(strides=[-(2**63)]), "more bytes than memory can have"),
    "both ends": (dict(ndim=2, shape=[2, 2], strides=[-(2**63) + 8, 2**62]), "more bytes than memory can have"),
    "sum of strides": (dict(ndim=2, shape=[2, 2], strides=[2**62, 2**62]), "more bytes than memory can have"),
    "strides that cannot be made": (
        dict(ndim=2, shape=[0, 2**62], strides=None, len=0),
        "more bytes than memory can have",
    ),
    "buf NULL": (dict(null_buf=True), "buf is NULL, and there are items"),
    "obj NULL": (dict(null_obj=True), "obj is NULL, so that nothing keeps the memory"),
}


@pytest.mark.parametrize("claims, text", LIES.values(), ids=LIES)
@pytest.mark.parametrize(
    "read", [consumer.read, consumer.describe, lambda element, it: consumer.fill(element, it, 0.0)]
)
def test_a_contradiction_is_refused_and_leaves_no_view(claims, text, read):
    it = liar(**claims)
    with pytest.raises(BufferError, match=re.escape(text)) as refusal:
        read("f64", it)
    assert str(refusal.value).startswith(CONTRADICTS)
    assert it.alive == 0
    assert it.granted == (0 if it.null_obj else 1)
    if not it.null_obj:
        assert consumer.read("f64", liar()) == [1, 2, 3, 4]


def test_bytes_that_are_no_bytes_are_refused():
    it = liar(format=None)
    with pytest.raises(BufferError, match="an item of format 'B' has 1 bytes, but itemsize is 8"):
        consumer.read("u8", it)
    assert it.alive == 0


# Claims that are unusual but true, and the items.
UNUSUAL = {
    "no shape": (dict(shape=None), [1, 2, 3, 4]),
    "no shape nor strides": (dict(shape=None, strides=None), [1, 2, 3, 4]),
    "no shape, reversed": (dict(shape=None, strides=[-8], offset=24), [4, 3, 2, 1]),
    "no strides": (dict(strides=None), [1, 2, 3, 4]),
    "no strides in two dimensions": (dict(ndim=2, shape=[2, 2], strides=None), [1, 2, 3, 4]),
    "no dimensions": (dict(ndim=0, len=8, shape=None, strides=None), [1]),
    "no dimensions, with arrays": (dict(ndim=0, len=8, shape=[77], strides=[3]), [1]),
    "nothing at NULL": (dict(len=0, shape=[0], null_buf=True), []),
    "nothing, misaligned": (dict(len=0, shape=[0], strides=[3], offset=1), []),
    "nothing of much": (dict(ndim=3, len=0, shape=[2**62, 0, 2**62], strides=[1, MAX, -MAX]), []),
    "odd stride of one": (dict(len=8, shape=[1], strides=[3]), [1]),
    "no suboffsets that count": (dict(suboffsets=[-1]), [1, 2, 3, 4]),
    "suboffsets of any sign": (dict(suboffsets=[-(2**63)]), [1, 2, 3, 4]),
    "spaces": (dict(format=b" d"), [1, 2, 3, 4]),
}


@pytest.mark.parametrize("claims, items", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_but_consistent_claims_are_read(claims, items):
    it = liar(**claims)
    assert consumer.read("f64", it) == items
    assert it.alive == 0


@pytest.mark.parametrize(
    "claims, text",
    [
        (dict(offset=4), "it starts at an address that is no multiple of 8"),
        (dict(offset=1), "expected items aligned to 8 bytes (f64), but this buffer is misaligned"),
        (dict(strides=[12]), "the stride of dimension 0, 12, is no multiple of 8; copy it first"),
        (dict(strides=[-4], offset=32), "the stride of dimension 0, -4,"),
        (dict(ndim=2, shape=[2, 2], strides=[20, 8]), "the stride of dimension 0, 20,"),
        (dict(ndim=2, shape=[2, 2], strides=[16, 4]), "the stride of dimension 1, 4,"),
        (dict(ndim=0, len=8, offset=2), "expected items aligned to 8 bytes (f64), but this buffer is misaligned"),
    ],
)
def test_misaligned_items_are_refused(claims, text):
    it = liar(**claims)
    with pytest.raises(BufferError, match=re.escape(text)):
        consumer.read("f64", it)
    assert it.alive == 0


@pytest.mark.parametrize(
    "element, align", [("u8", 1), ("[u8; 4]", 1), ("i16", 2), ("[[i16; 2]; 3]", 2), ("f32", 4), ("f64", 8)]
)
def test_every_element_wants_its_own_alignment(element, align):
    code, size = {
        "u8": ("B", 1),
        "[u8; 4]": ("4B", 4),
        "i16": ("h", 2),
        "[[i16; 2]; 3]": ("(3,2)h", 12),
        "f32": ("f", 4),
        "f64": ("d", 8),
    }[element]
    for offset in range(9):
        it = liar(format=code.encode(), itemsize=size, shape=[2], strides=[size], len=2 * size, offset=offset)
        if offset % align:
            with pytest.raises(BufferError, match="misaligned"):
                consumer.read(element, it)
        else:
            assert len(consumer.read(element, it)) == 2


def test_fields_of_packed_records_are_misaligned_and_a_copy_is_not():
    packed = np.zeros(3, np.dtype([("tag", "u1"), ("value", "f8")]))
    packed["value"] = [1, 2, 3]
    with pytest.raises(BufferError, match="misaligned.*np.array"):
        consumer.read("f64", packed["value"])
    assert consumer.read("f64", np.array(packed["value"])) == [1, 2, 3]
    aligned = np.zeros(3, np.dtype([("tag", "u1"), ("value", "f8")], align=True))
    assert consumer.read("f64", aligned["value"]) == [0, 0, 0]


# Rows behind pointers.


def rows(offsets=(0, 64, 128), columns=2, **claims):
    settings = dict(
        rows=list(offsets),
        ndim=2,
        shape=[len(offsets), columns],
        strides=[8, 8],
        suboffsets=[0, -1],
        len=8 * columns * len(offsets),
    )
    return liar(**{**settings, **claims})


def test_rows_are_read_where_their_pointers_lead():
    assert consumer.read("f64", rows()) == [1, 2, 0, 0, 0, 0]
    assert consumer.read("f64", rows((8, 0, 16))) == [2, 3, 1, 2, 3, 4]
    assert consumer.read("f64", rows((0, 0), suboffsets=[8, -1])) == [2, 3, 2, 3]
    assert consumer.read("f64", rows((16, 0), strides=[8, -8], suboffsets=[8, -1])) == [4, 3, 2, 1]
    # One pointer for each item.
    single = rows((24, 0, 8), ndim=1, shape=[3], strides=[8], suboffsets=[0], len=24)
    assert consumer.read("f64", single) == [4, 1, 2]
    assert [consumer.get("f64", single, [index]) for index in range(4)] == [4, 1, 2, None]


@pytest.mark.parametrize(
    "it, text",
    [
        (rows((0, -1, 64)), "row 1 is behind a pointer that is NULL"),
        (rows(null_buf=True), "buf is NULL, and there are items"),
        (rows((0, 4, 64)), "expected items aligned to 8 bytes"),
        (rows(suboffsets=[1, -1]), "expected items aligned to 8 bytes"),
        (rows(strides=[8, 4]), "the stride of dimension 1, 4,"),
        (rows(columns=3, strides=[8, 2**62]), "more bytes than memory can have"),
        (rows(len=8), "len is 8, but"),
    ],
    ids=range(7),
)
def test_impossible_rows_are_refused(it, text):
    with pytest.raises(BufferError, match=re.escape(text)):
        consumer.read("f64", it)
    assert (it.alive, it.granted) == (0, 1)


def test_rows_without_items_have_no_pointers_to_follow():
    assert consumer.read("f64", rows((-1, -1), shape=[2, 0], len=0)) == []
    assert consumer.read("f64", rows(shape=[0, 2], len=0, null_buf=True)) == []


def test_elements_that_are_arrays_lie_within_their_rows():
    it = rows((0, 64), columns=1)
    it.format = b"f"
    it.itemsize, it.shape, it.strides, it.len = 4, [2, 3], [8, 4], 24
    assert len(consumer.read("[f32; 3]", it)) == 2
    it.suboffsets = [0, 0]
    with pytest.raises(BufferError, match="in one piece"):
        consumer.read("[f32; 3]", it)
    it.shape, it.len = [0, 3], 0
    assert consumer.read("[f32; 3]", it) == []


# Views that are granted with a fault.


def test_a_writable_view_that_is_read_only_is_refused():
    it = liar(readonly=True)
    with pytest.raises(BufferError, match="a writable view was granted, and is read-only"):
        consumer.fill("f64", it, 0.0)
    assert it.alive == 0
    assert consumer.describe("f64", it)["readonly"] is True
    assert consumer.read("f64", it) == [1, 2, 3, 4]


def test_an_exception_that_a_granting_exporter_leaves_is_raised():
    it = liar(raises=True)
    with pytest.raises(BufferError, match="raised by an exporter that has granted"):
        consumer.read("f64", it)
    assert (it.alive, it.granted) == (0, 1)


def test_an_exception_that_a_release_leaves_is_reported_and_goes_no_further(monkeypatch):
    reported = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: reported.append(repr(unraisable.exc_value)))
    it = liar(release_raises=True)
    assert consumer.read("f64", it) == [1, 2, 3, 4]
    assert (it.alive, reported) == (0, ["KeyError('raised by a release')"])
    it.format = b"B"
    it.itemsize, it.shape, it.strides = 1, [32], [1]
    error = ValueError("mine")
    assert consumer.release_with_pending(it, error) is error
    assert (it.alive, len(reported)) == (0, 2)


def test_memoryviews_made_of_inconsistent_fields_are_refused():
    memory = (ctypes.c_double * 4)(1, 2, 3, 4)
    format = ctypes.create_string_buffer(b"d")
    chance = random.Random(1)
    refused = read = 0
    for _ in range(500):
        ndim = chance.choice([0, 1, 1, 2])
        shape = (ctypes.c_ssize_t * 2)(*(chance.choice([-1, 0, 1, 2, 4, 2**62]) for _ in range(2)))
        strides = (ctypes.c_ssize_t * 2)(*(chance.choice([0, 4, 8, 16]) for _ in range(2)))
        view = PyBuffer(
            buf=ctypes.addressof(memory),
            len=chance.choice([-8, 0, 8, 16, 32, 32, 33]),
            # Never 0: memoryview divides by the itemsize.
            itemsize=chance.choice([8, 8, 8, 4]),
            ndim=ndim,
            format=chance.choice([ctypes.addressof(format)] * 4 + [None]),
            shape=chance.choice([ctypes.addressof(shape)] * 4 + [None]) if ndim < 2 else ctypes.addressof(shape),
            strides=chance.choice([ctypes.addressof(strides), None]),
        )
        inside = sum(max(0, shape[axis] - 1) * strides[axis] for axis in range(ndim)) <= 24 or view.strides is None
        try:
            exporter = memoryview_from_buffer(ctypes.byref(view))
        except (ValueError, BufferError):
            continue
        try:
            items = consumer.describe("f64", exporter)["len"]
        except BufferError:
            refused += 1
            continue
        read += 1
        assert items * 8 == view.len
        if inside:
            assert len(consumer.read("f64", exporter)) == items
    assert refused > 50 and read > 20, (refused, read)


def test_arbitrary_claims_are_refused_or_true():
    """An answer is consistent with the claims, whatever they are. Items are read only if the liar's memory has them."""
    chance = random.Random(2)
    read = 0
    for _ in range(4000):
        ndim = chance.choice([-1, 0, 1, 1, 2, 2, 3, 65])
        most = max(0, min(ndim, 64))
        shape = [chance.choice([0, 1, 1, 2, 2, 3, 4, -1, 2**31, MAX]) for _ in range(most)]
        strides = [chance.choice([-16, -8, 0, 4, 8, 8, 16, 24, MAX, -MAX]) for _ in range(most)]
        product = int(np.prod(np.array(shape, dtype=object))) if shape else 1
        claims = dict(
            ndim=ndim,
            shape=shape if chance.random() < 0.9 else None,
            strides=strides if chance.random() < 0.8 else None,
            len=product * 8 if abs(product) < 2**59 and chance.random() < 0.9 else chance.choice([0, 7, 8, -1, MAX]),
            itemsize=chance.choice([8] * 9 + [0, -1, 16]),
            format=chance.choice([b"d"] * 8 + [None, b"f", b"!", b"\xff"]),
            offset=chance.choice([0, 64, 64, 128, 4]),
        )
        it = liar(**claims)
        try:
            described = consumer.describe("f64", it)
        except BufferError:
            assert it.alive == 0
            continue
        assert (claims["format"], claims["itemsize"], described["len"] * 8) == (b"d", 8, claims["len"])
        ends = [claims["offset"], claims["offset"] + 8]
        for extent, stride in zip(described["shape"], described["strides"]):
            ends[stride >= 0] += max(0, extent - 1) * stride
        if described["len"] == 0 or (0 <= ends[0] and ends[1] <= 256 and described["len"] < 10**6):
            read += 1
            assert len(consumer.read("f64", it)) == described["len"]
        assert it.alive == 0
    assert read > 100
