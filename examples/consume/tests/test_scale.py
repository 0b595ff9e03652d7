"""Scaling float64 in place, compared with numpy's."""

import threading

import numpy as np
import pytest
from consume import dot, scale
from layouts import arrays, exporters, indirect

ITEMS = [1.5, -2.0, 3.25, 0.0, 0.5]
WRITABLE = [name for name in exporters("d", ITEMS) if name != "bytes"]


@pytest.mark.parametrize("seed", range(5))
def test_every_layout_and_nothing_beside_it(seed):
    for a in arrays("d", seed):
        whole = a.base
        expected = whole.copy()
        offset = a.ctypes.data - whole.ctypes.data if a.size else 0
        np.ndarray(a.shape, a.dtype, expected, offset, a.strides)[...] *= -1.5
        scale(a, -1.5)
        assert (whole == expected).all(), (a.shape, a.strides)


@pytest.mark.parametrize("name", WRITABLE)
def test_every_exporter(name):
    exporter = exporters("d", ITEMS)[name]
    assert scale(exporter, 2) is None
    assert np.asarray(exporter).tolist() == [2 * item for item in ITEMS]


def test_rows_behind_pointers():
    rows = indirect("d", ITEMS + [7.0], [2, 3])
    scale(rows, -1)
    assert [item for row in rows.tolist() for item in row] == [-item for item in ITEMS + [7.0]]


def test_lengths_around_a_chunk():
    for n in (0, 1, 15, 16, 17, 511, 512, 513, 9_999, 10_000, 100_003):
        a = np.arange(n, dtype=float)
        scale(a, 3)
        assert (a == np.arange(0, 3 * n, 3)).all()


@pytest.mark.parametrize("factor", [0, 1, -0.0, 2.5, np.inf, np.nan, 1e-320], ids=repr)
def test_factors_with_their_bits(factor):
    a = np.array([0.0, -0.0, 1.0, -3.5, np.inf, np.nan, 1e308, 5e-324] * 100)
    with np.errstate(all="ignore"):
        expected = a * factor
    scale(a, factor)
    number = ~np.isnan(expected)
    assert (np.isnan(a) == ~number).all()
    assert (a.view("u8")[number] == expected.view("u8")[number]).all()


def test_a_factor_of_another_type():
    a = np.ones(3)
    scale(a, True)
    scale(a, np.float32(2))
    assert a.tolist() == [2, 2, 2]
    for other in ("2", None, 2j):
        with pytest.raises(TypeError, match=f"^factor must be a real number, not {type(other).__name__}"):
            scale(a, other)
    with pytest.raises(ValueError, match="^factor is too large for a float64"):
        scale(a, 10**400)
    assert a.tolist() == [2, 2, 2]


def test_read_only_buffers_are_refused_by_all_exporters_alike():
    readonly = np.ones(3)
    readonly.flags.writeable = False
    for exporter in (readonly, memoryview(readonly), np.broadcast_to(1.0, 3), bytes(8), memoryview(bytes(8)).cast("d")):
        with pytest.raises(BufferError, match="read-only|not writable"):
            scale(exporter, 2)
    assert readonly.tolist() == [1, 1, 1]


def test_what_numpy_says_is_kept_as_the_cause():
    readonly = np.ones(3)
    readonly.flags.writeable = False
    with pytest.raises(BufferError) as refusal:
        scale(readonly, 2)
    assert isinstance(refusal.value.__cause__, ValueError)


def test_items_that_share_memory_are_refused():
    window = np.lib.stride_tricks.as_strided(np.ones(5), (3, 3), (8, 8))
    with pytest.raises(BufferError, match="share memory"):
        scale(window, 2)


def test_items_that_interleave_are_scaled_once_each():
    whole = np.ones(8)
    scale(np.lib.stride_tricks.as_strided(whole, (3, 2), (16, 24)), 2)
    assert whole.tolist() == [2, 1, 2, 2, 2, 2, 1, 2]


def test_what_is_no_buffer_of_doubles():
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'list'"):
        scale([1.0], 2)
    for dtype in ("f4", "i8", "c16"):
        a = np.ones(3, dtype)
        with pytest.raises(BufferError, match="expected items of format 'd' .f64., but this buffer has '"):
            scale(a, 2)
        assert (a == 1).all()


def test_threads_beside_each_other():
    """One thread scales while another reads. Each item has its old or its new value, never another one."""
    a = np.ones(100_000)
    # `dot(a, a)` could read an item of `a` twice, before and after its change. With weights, it reads each item once.
    weights = np.ones(a.size)
    thread = threading.Thread(target=lambda: [scale(a, -1) for _ in range(200)])
    thread.start()
    while thread.is_alive():
        # If each item is 1 or -1, the parity of the sum is that of the number of items.
        total = dot(a, weights)
        assert abs(total) <= a.size
        assert total % 2 == a.size % 2
        assert (np.abs(a) == 1).all()
    thread.join()
    assert (a == 1).all()
