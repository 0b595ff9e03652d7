"""The dot product of two float64 vectors, compared with numpy's."""

import math

import numpy as np
import pytest
from consume import dot
from layouts import arrays, exporters, indirect

ITEMS = [1.5, -2.0, 3.25, 0.5]


def one_dimensional(seed):
    for a in arrays("d", seed):
        for index in np.ndindex(a.shape[:-1]):
            yield a[index]
            break


@pytest.mark.parametrize("seed", range(5))
def test_every_layout(seed):
    generator = np.random.default_rng(seed)
    for a in one_dimensional(seed):
        if a.ndim == 0:
            continue
        whole = generator.normal(size=3 * a.size)
        for b in (whole[: a.size], whole[::-3], whole[1::3], np.broadcast_to(1.5, a.shape), a):
            assert math.isclose(dot(a, b), math.fsum(a * b), rel_tol=1e-12, abs_tol=1e-9), (a.shape, a.strides)
            assert dot(a, b) == dot(b, a)


@pytest.mark.parametrize("one", exporters("d", ITEMS))
@pytest.mark.parametrize("other", exporters("d", ITEMS))
def test_every_exporter(one, other):
    assert dot(exporters("d", ITEMS)[one], exporters("d", ITEMS)[other]) == sum(item * item for item in ITEMS)


def test_rows_behind_pointers():
    vector = indirect("d", ITEMS, [4])
    assert dot(vector, np.array(ITEMS)) == sum(item * item for item in ITEMS)


def test_lengths_around_a_chunk():
    for n in (0, 1, 7, 8, 9, 255, 256, 257, 511, 512, 513, 9_999, 10_000, 100_003):
        a, b = np.arange(n, dtype=float), np.arange(n, 0, -1, dtype=float)
        expected = sum(i * (n - i) for i in range(n))
        assert dot(a, b) == dot(a[::-1], b[::-1]) == dot(a[::-1].copy(), b[::-1]) == expected, n


def test_what_is_no_number_stays_so():
    a = np.ones(1000)
    a[700] = np.nan
    assert math.isnan(dot(a, a))
    a[700] = np.inf
    assert dot(a, a) == math.inf


@pytest.mark.parametrize("m, n", [(0, 1), (3, 2), (10_000, 10_001)])
def test_lengths_that_differ(m, n):
    with pytest.raises(ValueError, match=f"expected as many items in both, but these have {m} and {n}"):
        dot(np.ones(m), np.ones(n))


@pytest.mark.parametrize("m, n", [((), ()), ((2, 2), (2, 2)), ((4,), (2, 2)), ((0, 3), (0,))])
def test_other_dimensions(m, n):
    text = f"expected two buffers of 1 dimension, but these have {len(m)} and {len(n)}"
    with pytest.raises(ValueError, match=text):
        dot(np.ones(m), np.ones(n))


def test_what_is_no_buffer_of_doubles():
    a = np.ones(3)
    for wrong in ([1.0, 2.0, 3.0], 3.0, None):
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            dot(a, wrong) if wrong is not None else dot(wrong, a)
    for wrong in (np.ones(3, "f4"), np.ones(3, "i8"), np.ones(3, ">f8"), np.ones(3, "c16"), b"abc"):
        given = memoryview(wrong).format
        if given == "d":
            continue
        with pytest.raises(BufferError) as refusal:
            dot(a, wrong)
        assert f"expected items of format 'd' (f64), but this buffer has '{given}'" in str(refusal.value)


def test_nothing_stays_viewed():
    b = bytearray(16)
    with memoryview(b).cast("d") as vector:
        assert dot(vector, vector) == 0
        with pytest.raises(ValueError):
            dot(vector, np.ones(3))
    b.append(1)
