"""Particles: numpy shows them, and Rust moves them."""

import ctypes
import gc
import re
import struct
import threading
import time

import numpy as np
import pytest
from records import Particles

DTYPE = np.dtype([("id", "u4"), ("charge", "f4"), ("position", "f8", (3,)), ("velocity", "f8", (3,))])


def without_place(error):
    """The text without the line of Rust at which the guard was taken."""
    return re.sub(r", taken at \S+\.rs:\d+:\d+", "", str(error))


def moving(n):
    particles = Particles(n)
    a = np.asarray(particles)
    a["position"] = np.arange(3 * n).reshape(n, 3)
    a["velocity"] = [1, -2, 0.5]
    return particles, a


def test_numpy_sees_a_structured_array_of_the_four_fields():
    a = np.asarray(Particles(5))
    assert a.dtype == DTYPE
    assert a.dtype.names == ("id", "charge", "position", "velocity")
    assert a.dtype.itemsize == 56
    assert a.shape == (5,)
    assert a.flags.c_contiguous and a.flags.writeable and not a.flags.owndata
    assert a["id"].tolist() == [0, 1, 2, 3, 4]
    assert not a["charge"].any() and not a["position"].any() and not a["velocity"].any()


def test_the_format_says_what_each_byte_is():
    view = memoryview(Particles(1))
    assert view.format == "T{=I:id:=f:charge:(3)=d:position:(3)=d:velocity:}"
    assert view.itemsize == DTYPE.itemsize == struct.calcsize("=If3d3d")


def test_numpy_writes_the_memory_in_place():
    particles = Particles(2)
    a, b = np.asarray(particles), np.asarray(particles)
    assert np.shares_memory(a, b)
    a[1] = (7, 1.5, (1, 2, 3), (4, 5, 6))
    a["charge"][0] = -1
    assert (b == np.array([(0, -1, 0, 0), (7, 1.5, (1, 2, 3), (4, 5, 6))], DTYPE)).all()
    assert bytes(particles) == struct.pack("=If3d3d", 0, -1, *[0] * 6) + struct.pack("=If3d3d", 7, 1.5, *range(1, 7))


def test_a_step_beside_live_views():
    particles, a = moving(1000)
    x, view = a["position"], memoryview(particles)
    before, others = x.copy(), a[["id", "charge", "velocity"]].copy()
    particles.step(0.25)
    assert (x == before + [0.25, -0.5, 0.125]).all()
    assert (a[["id", "charge", "velocity"]] == others).all()
    particles.step(dt=-0.25)
    assert (x == before).all()
    view.release()


def test_a_step_of_any_number_of_particles():
    for n in (0, 1, 72, 73, 74, 146, 147, 500):
        particles, a = moving(n)
        before = a["position"].copy()
        particles.step(2)
        assert (a["position"] == before + [2, -4, 1]).all(), n


def test_a_step_computes_as_numpy_does():
    particles = Particles(300)
    a = np.asarray(particles)
    random = np.random.default_rng(1)
    a["position"], a["velocity"] = random.normal(size=(2, 300, 3))
    a["velocity"][7, 1] = np.inf
    expected = a["position"] + a["velocity"] * 0.1
    particles.step(0.1)
    assert (a["position"] == expected).all()


def test_no_particles():
    particles = Particles(0)
    a = np.asarray(particles)
    assert (len(particles), a.shape, a.dtype) == (0, (0,), DTYPE)
    particles.step(1)
    assert bytes(particles) == b""
    del a
    particles.resize(1)
    assert np.asarray(particles)["id"].tolist() == [0]


def test_resize_keeps_what_stays_and_numbers_what_comes():
    particles, a = moving(4)
    kept = a[:2].copy()
    del a
    particles.resize(2)
    particles.resize(5)
    assert len(particles) == 5
    a = np.asarray(particles)
    assert (a[:2] == kept).all()
    assert (a[2:] == np.array([(id, 0, 0, 0) for id in (2, 3, 4)], DTYPE)).all()


def test_resize_is_refused_while_viewed():
    particles, a = moving(3)
    part = a["position"][1:]
    del a
    for n in (4, 2, 3):
        with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
            particles.resize(n)
    assert (len(particles), part.shape) == (3, (2, 3))
    particles.step(1)
    del part
    particles.resize(4)


def test_views_outlive_the_particles():
    particles, a = moving(1000)
    particles.step(1)
    del particles
    gc.collect()
    assert a["id"].sum() == 1000 * 999 // 2


def test_other_consumers():
    class Record(ctypes.Structure):
        _fields_ = [
            ("id", ctypes.c_uint32),
            ("charge", ctypes.c_float),
            ("position", ctypes.c_double * 3),
            ("velocity", ctypes.c_double * 3),
        ]

    particles, a = moving(2)
    records = (Record * 2).from_buffer(particles)
    records[1].charge = 4
    assert a["charge"].tolist() == [0, 4]
    assert [list(record.position) for record in records] == a["position"].tolist()


# Threads.


def test_a_thread_steps_while_numpy_reads():
    """Each number that numpy reads is the value before or after a step, and never decreases."""
    particles = Particles(5000)
    a = np.asarray(particles)
    a["velocity"] = 1
    x = a["position"]
    steps = 300
    thread = threading.Thread(target=lambda: [particles.step(1) for _ in range(steps)])
    thread.start()
    seen = np.zeros_like(x)
    while thread.is_alive():
        now = x.copy()
        assert (now >= seen).all() and (now == np.floor(now)).all() and now.max() <= steps
        seen = now
    thread.join()
    assert (x == steps).all()
    assert a["id"].tolist() == list(range(5000))


def test_a_step_keeps_what_numpy_writes_meanwhile():
    """A step stores only the fields that it changes: the positions."""
    particles = Particles(2000)
    a = np.asarray(particles)
    a["velocity"] = 1
    steps = 200
    thread = threading.Thread(target=lambda: [particles.step(1) for _ in range(steps)])
    thread.start()
    charge = 0
    while thread.is_alive():
        charge += 1
        a["charge"] = charge
        assert (a["charge"] == charge).all()
    thread.join()
    assert (a["position"] == steps).all()


def test_steps_and_resizes_at_the_same_time():
    """Each call succeeds or is refused. No step is lost, and no memory moves during a step."""
    particles = Particles(20_000)
    np.asarray(particles)["velocity"] = 1
    done = threading.Event()
    steps, resized, refused = 0, 0, set()

    def step():
        nonlocal steps
        while not done.is_set():
            try:
                particles.step(1)
                steps += 1
            except BufferError as refusal:
                refused.add(without_place(refusal))
            # Lets the other thread run while no step prevents it from resizing.
            time.sleep(1e-5)

    thread = threading.Thread(target=step)
    thread.start()
    late = time.monotonic() + 60
    try:
        while (resized < 100 or not refused) and time.monotonic() < late:
            try:
                particles.resize(20_001 - resized % 2)
                resized += 1
            except BufferError as refusal:
                refused.add(without_place(refusal))
    finally:
        done.set()
        thread.join()
    assert resized >= 100
    again = "try again when the call or thread that holds it has ended"
    hint = "or change values in place through `share`"
    resize_refused = f"cannot resize: 1 share guard is alive in Rust; {again}, {hint}"
    # A step can find a resize in progress only without a GIL.
    step_refused = f"cannot share: Rust is changing it (a write guard is alive); {again}"
    assert refused and refused <= {resize_refused, step_refused}
    a = np.asarray(particles)
    assert a["id"].tolist() == list(range(len(particles)))
    assert (a["position"][:20_000] == steps).all()
