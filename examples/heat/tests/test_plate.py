"""The heat equation: what numpy computes, Rust computes, in memory that numpy shows meanwhile."""

import contextlib
import gc
import signal
import sys
import threading
import time

import numpy as np
import pytest
from heat import Plate


def plate_of(shape, seed=1):
    plate = Plate(*shape)
    a = np.asarray(plate)
    a[...] = np.random.default_rng(seed).normal(size=shape)
    return plate, a


def stepped(a, n, rate=0.2):
    """The temperatures after `n` steps, as numpy computes them, one operation after the other as in Rust."""
    a = a.copy()
    for _ in range(n):
        inner = a[1:-1, 1:-1]
        inner += rate * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] - 4.0 * inner)
    return a


def test_a_new_plate_is_cold():
    a = np.asarray(Plate(4, 5))
    assert (a.shape, a.dtype, a.flags.writeable, a.flags.owndata) == ((4, 5), np.float64, True, False)
    assert not a.any()


# The cells are computed in chunks of some hundred, which begin and end anywhere in the rows.
@pytest.mark.parametrize(
    "shape", [(3, 3), (3, 4), (5, 3), (17, 31), (64, 64), (3, 5000), (5000, 3), (70, 511), (70, 513)]
)
def test_a_step_computes_what_numpy_computes(shape):
    plate, a = plate_of(shape)
    expected = stepped(a, 1)
    plate.step()
    assert (a == expected).all()
    expected = stepped(a, 20, rate=0.0625)
    plate.step(20, rate=0.0625)
    assert (a == expected).all()
    assert plate.steps == 21


def test_the_address_stays():
    plate, a = plate_of((30, 40))
    address = a.ctypes.data
    plate.step(3)
    again = np.asarray(plate)
    assert a.ctypes.data == again.ctypes.data == address
    assert np.shares_memory(a, again) and memoryview(plate)[3, 4] == a[3, 4]


def test_the_outermost_cells_keep_their_temperature():
    plate = Plate(5, 6)
    a = np.asarray(plate)
    a[0], a[-1], a[:, 0], a[:, -1] = 1, 2, 3, 4
    edge = np.ones(a.shape, bool)
    edge[1:-1, 1:-1] = False
    before = a[edge].copy()
    plate.step(1000)
    assert (a[edge] == before).all()
    inner = a[1:-1, 1:-1]
    means = (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:]) / 4
    np.testing.assert_allclose(inner, means, err_msg="in the end every cell has the mean of its neighbours")


def test_heat_is_neither_made_nor_lost_far_from_the_edge():
    plate = Plate(101, 101)
    a = np.asarray(plate)
    a[50, 50] = 1
    plate.step(49, rate=0.25)
    assert a.sum() == pytest.approx(1)
    assert (a >= 0).all() and a[50, 1] > 0, "after 49 steps the heat has come 49 cells far"
    np.testing.assert_allclose(a, a.T)
    np.testing.assert_allclose(a, a[::-1])


def test_numbers_that_are_not_finite_spread_as_in_numpy():
    plate, a = plate_of((9, 9))
    a[4, 4], a[2, 2] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected = stepped(a, 3)
    plate.step(3)
    np.testing.assert_array_equal(a, expected)


def test_no_steps_change_nothing():
    plate, a = plate_of((9, 9))
    before = a.copy()
    plate.step(0)
    assert (a == before).all() and plate.steps == 0


def test_views_outlive_the_plate():
    plate, a = plate_of((30, 30))
    plate.step(2)
    expected = a.copy()
    del plate
    gc.collect()
    assert (a == expected).all()


# Threads.


@contextlib.contextmanager
def stepping(plate):
    """A thread steps the plate until the block ends. There were at least 100 steps then."""
    done = threading.Event()

    def step():
        while not done.is_set() or plate.steps < 100:
            plate.step(10)

    thread = threading.Thread(target=step)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_numpy_reads_while_a_thread_steps():
    """What numpy reads meanwhile are temperatures between those at the start."""
    plate, a = plate_of((200, 300))
    before, low, high = a.copy(), a.min(), a.max()
    with stepping(plate):
        for _ in range(100):
            now = a.copy()
            assert low <= now.min() and now.max() <= high
    assert (a == stepped(before, plate.steps)).all()


def test_what_numpy_writes_on_the_edge_during_steps_stays():
    plate, a = plate_of((300, 300))
    with stepping(plate):
        for number in range(1000):
            a[0] = a[:, -1] = number
            assert (a[0] == number).all() and (a[:, -1] == number).all()


def test_numpy_writes_inner_cells_during_steps():
    """A write may be lost or kept; the temperatures stay between the old and the written ones."""
    plate = Plate(300, 300)
    a = np.asarray(plate)
    with stepping(plate):
        for _ in range(1000):
            a[100:200, 100:200] = 1
    assert 0 <= a.min() and a.max() <= 1 and 0 < a.mean()


def test_a_second_step_at_the_same_time_is_refused():
    plate, a = plate_of((100, 100))
    before = a.copy()
    refused = threading.Event()
    done = []

    def step(n):
        while not refused.is_set():
            try:
                plate.step(n)
                done.append(n)
            except RuntimeError as error:
                assert str(error).startswith("another call of step is at work on this plate; call step again when")
                refused.set()

    thread = threading.Thread(target=step, args=(500,))
    thread.start()
    step(1)
    thread.join()
    assert plate.steps == sum(done), "a call that is refused computes nothing"
    assert (a == stepped(before, plate.steps)).all()


class Stop(Exception):
    """Raised by a signal handler."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_a_signal_ends_a_long_call_between_two_steps():
    plate, a = plate_of((300, 300))
    before = a.copy()

    def handler(*_):
        with pytest.raises(RuntimeError, match="another call of step is at work"):
            plate.step()
        raise Stop

    replaced = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        begun = time.monotonic()
        with pytest.raises(Stop):
            plate.step(2**63 - 1)
        assert time.monotonic() - begun < 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, replaced)
    assert 0 < plate.steps < 10_000_000
    if plate.steps < 5000:
        assert (a == stepped(before, plate.steps)).all()
    plate.step()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_ctrl_c_is_honoured():
    plate = Plate(100, 100)
    # A shell that runs the tests in the background has SIGINT ignored.
    replaced = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            plate.step(2**63 - 1)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, replaced)
