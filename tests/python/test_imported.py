"""Objects that keep the memory in which they arrive."""

import copy
import mmap
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext.consumer import Liar
from buffer_tests_ext.edges import MutableShipment, Shipment
from dltensor import versioned
from pybuffer import WRITABLE, View

ITEMS = [1, 2, 3, 2**31 - 1]
NATIVE = "<" if sys.byteorder == "little" else ">"


def address(memory):
    return np.frombuffer(memory, np.uint8).__array_interface__["data"][0]


def packed(cls=Shipment, items=ITEMS):
    frames = []
    data = pickle.dumps(cls(items), protocol=5, buffer_callback=frames.append)
    return data, [bytes(frame) for frame in frames]


def arrived(cls=Shipment, wrap=lambda frame: frame):
    """An object, and the frame in which its items have arrived."""
    data, (frame, *others) = packed(cls)
    frame = wrap(frame)
    return pickle.loads(data, buffers=[frame, *others]), frame


def misaligned(frame):
    return memoryview(b"---" + frame)[3:]


def mapped(frame):
    whole = mmap.mmap(-1, len(frame) + 64)
    whole[64:] = frame
    return memoryview(whole).toreadonly()[64:]


KEPT = {
    "bytes": lambda frame: frame,
    "PickleBuffer": pickle.PickleBuffer,
    "memoryview": memoryview,
    "bytearray": lambda frame: memoryview(bytearray(frame)).toreadonly(),
    "mmap": mapped,
    "numpy": lambda frame: np.frombuffer(frame, np.uint32),
}


@pytest.mark.parametrize("wrap", KEPT.values(), ids=KEPT.keys())
def test_read_only_frames_are_kept(wrap):
    shipment, frame = arrived(wrap=wrap)
    assert shipment.is_imported
    items = np.asarray(shipment.items)
    assert (address(items), items.flags.writeable, items.tolist()) == (address(frame), False, ITEMS)
    assert (shipment.total(), shipment.as_slice(), shipment.holders) == (sum(ITEMS), None, ["read-only view"])


@pytest.mark.parametrize("wrap", [bytearray, misaligned, lambda frame: memoryview(bytearray(frame))])
def test_other_frames_are_copied(wrap):
    shipment, frame = arrived(wrap=wrap)
    assert not shipment.is_imported
    assert address(shipment.items) != address(frame)
    assert shipment.as_slice() == ITEMS
    assert memoryview(shipment.items).tolist() == ITEMS
    assert not memoryview(shipment.items).readonly


def test_an_empty_frame_is_not_kept():
    data, (_, *others) = packed()
    shipment = pickle.loads(data, buffers=[b"", *others])
    assert (shipment.is_imported, shipment.total()) == (False, 0)


def test_a_frame_that_nothing_keeps_is_copied():
    liar = Liar()
    liar.readonly = liar.null_obj = True
    shipment = Shipment.__buffer_rebuild__(1, {"items": (NATIVE + "I", liar), "sealed": ("B", b"")})
    assert not shipment.is_imported
    del liar
    assert np.asarray(shipment.items).view("f8").tolist() == [1, 2, 3, 4]


def test_pickles_in_band_are_kept_up_to_protocol_4():
    for protocol in range(2, 5):
        back = pickle.loads(pickle.dumps(Shipment(ITEMS), protocol=protocol))
        assert (back.is_imported, back.total()) == (True, sum(ITEMS))
    assert not pickle.loads(pickle.dumps(Shipment(ITEMS), protocol=5)).is_imported


def test_writable_views_are_refused():
    shipment, _ = arrived()
    with pytest.raises(BufferError, match="cannot grant a writable view: the memory belongs to another object"):
        View(shipment.items, WRITABLE)


def test_what_others_write_is_visible():
    memory = bytearray(np.array(ITEMS, np.uint32).tobytes())
    shipment = arrived(wrap=lambda _: memoryview(memory).toreadonly())[0]
    memory[0] = 7
    assert shipment.total() == sum(ITEMS) + 6
    assert np.asarray(shipment.items)[0] == 7


@pytest.mark.parametrize("change", [lambda shipment: shipment.append(9), Shipment.double, Shipment.close])
def test_rust_copies_before_it_changes(change):
    memory = bytearray(np.array(ITEMS, np.uint32).tobytes())
    shipment = arrived(wrap=lambda _: memoryview(memory).toreadonly())[0]
    view = memoryview(shipment.items)
    with pytest.raises(BufferError, match="1 read-only view is alive"):
        change(shipment)
    assert shipment.is_imported
    view.release()
    change(shipment)
    assert not shipment.is_imported
    # Nothing holds the frame any more, nor has it changed.
    memory.append(0)
    assert memory[:-1] == np.array(ITEMS, np.uint32).tobytes()


def test_a_copy_is_writable_and_grows():
    shipment, frame = arrived()
    shipment.append(9)
    a = np.asarray(shipment.items)
    a[0] = 5
    assert (shipment.total(), bytes(frame)) == (sum(ITEMS) + 13, np.array(ITEMS, np.uint32).tobytes())
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        shipment.append(1)
    del a
    shipment.append(1)
    assert shipment.as_slice() == [5, 2, 3, 2**31 - 1, 9, 1]


def test_close_returns_the_items():
    shipment, _ = arrived()
    assert (shipment.close(), shipment.close(), shipment.is_imported) == (ITEMS, None, False)
    with pytest.raises(BufferError, match="it is closed"):
        shipment.total()


def test_write_or_detach_leaves_the_frame_to_the_views():
    shipment, frame = arrived(MutableShipment)
    view = memoryview(shipment)
    shipment.append(9)
    assert (shipment.is_imported, memoryview(shipment).tolist()) == (False, [*ITEMS, 9])
    assert (view.tolist(), address(view)) == (ITEMS, address(frame))


def test_a_kept_frame_goes_on_without_a_copy():
    shipment, frame = arrived()
    frames = []
    data = pickle.dumps(shipment, protocol=5, buffer_callback=frames.append)
    assert address(frames[0]) == address(frame)
    with pytest.raises(BufferError):
        shipment.append(1)
    again = pickle.loads(data, buffers=frames)
    assert (again.is_imported, address(again.items)) == (True, address(frame))
    del frames
    # `again` views the items of `shipment`.
    with pytest.raises(BufferError):
        shipment.append(1)
    del again
    shipment.append(1)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies_have_memory_of_their_own(how):
    shipment, frame = arrived()
    other = how(shipment)
    assert (other.is_imported, other.as_slice()) == (False, ITEMS)
    shipment.append(1)
    other.append(1)


def test_an_object_that_was_passed_on_very_often_is_dropped():
    """Each object holds the one before. The drop of the last one must not exhaust the stack."""
    script = (
        "import threading\n"
        "for _ in range(5_000):\n"
        "    frames = []\n"
        "    data = pickle.dumps(shipment, protocol=5, buffer_callback=frames.append)\n"
        "    shipment = pickle.loads(data, buffers=frames)\n"
        "assert shipment.is_imported and memoryview(shipment).tolist() == [1, 2]\n"
        "last = [shipment]\n"
        "del frames, shipment\n"
        "threading.stack_size(2**19)\n"
        "thread = threading.Thread(target=last.clear)\n"
        "thread.start()\n"
        "thread.join()\n"
        "print('dropped')\n"
    )
    done = subprocess.run([sys.executable, "-c", PREPARE + script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "dropped\n", "")


def test_frames_are_let_go_with_the_last_view():
    memory = bytearray(16)
    shipment = arrived(wrap=lambda _: memoryview(memory).toreadonly())[0]
    view = memoryview(shipment.items)
    del shipment
    with pytest.raises(BufferError):
        memory.append(0)
    assert view.tolist() == [0] * 4
    view.release()
    memory.append(0)


def test_a_drop_on_a_detached_thread_does_not_attach():
    memory = bytearray(16)
    shipment = arrived(MutableShipment, lambda _: memoryview(memory).toreadonly())[0]
    data, frames = packed()
    # It would never end.
    shipment.drop_elsewhere()
    # Unpickling the next one releases the frame.
    kept = pickle.loads(data, buffers=frames)
    memory.append(0)
    assert kept.is_imported


def test_frames_that_raise_on_release_are_reported(monkeypatch):
    if sys.version_info < (3, 12):
        pytest.skip("classes of Python export buffers from 3.12 on")

    class Frame:
        def __buffer__(self, flags):
            return memoryview(b"\1\0\0\0")

        def __release_buffer__(self, view):
            view.release()
            raise ValueError("no")

    caught = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: caught.append(error.exc_value))
    shipment = arrived(wrap=lambda _: Frame())[0]
    try:
        del shipment
        raise KeyError
    except KeyError:
        pass
    assert caught == [] or [type(error) for error in caught] == [ValueError]


def test_threads_read_while_one_copies_the_memory():
    shipment, _ = arrived()
    totals, start = set(), threading.Barrier(5)

    def read():
        start.wait()
        for _ in range(200):
            try:
                totals.add(shipment.total())
            except BufferError:
                pass

    def grow():
        start.wait()
        for _ in range(200):
            try:
                shipment.append(0)
            except BufferError:
                pass

    threads = [threading.Thread(target=work) for work in (read, read, read, grow, grow)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert totals <= {sum(ITEMS)}


PREPARE = """
import os, pickle
from buffer_tests_ext.edges import MutableShipment
frames = []
data = pickle.dumps(MutableShipment([1, 2]), protocol=5, buffer_callback=frames.append)
memory = bytes(frames[0])
shipment = pickle.loads(data, buffers=[memory])
assert shipment.is_imported
"""


@pytest.mark.parametrize(
    "script",
    [
        "shipment.drop_after_python()",
        "shipment.drop_elsewhere()",
        "kept = memoryview(shipment); shipment.drop_after_python()",
    ],
)
def test_a_drop_at_the_end_of_python_does_nothing(script):
    done = subprocess.run([sys.executable, "-c", PREPARE + script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_drops_imported_memory():
    script = (
        "shipment2 = pickle.loads(data, buffers=[memory])\n"
        "view = memoryview(shipment)\n"
        "child = os.fork()\n"
        "shipment2.drop_elsewhere()\n"
        "assert view.tolist() == [1, 2]\n"
        "view.release()\n"
        "shipment.append(3)\n"
        "assert not shipment.is_imported\n"
        "del shipment\n"
        "if child:\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", PREPARE + script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_tensors_keep_imported_memory_where_it_is():
    shipment, frame = arrived()
    tensors = [versioned(shipment.items) for _ in range(2)]
    for _ in range(2):
        for change in (lambda: shipment.append(9), shipment.double, shipment.close):
            with pytest.raises(BufferError, match="[12] tensors? (is|are) alive"):
                change()
            # What was refused has left no guard, and the memory of the frame is still read-only.
            assert shipment.is_imported
            view = memoryview(shipment.items)
            assert (view.readonly, view.tolist(), address(view)) == (True, ITEMS, address(frame))
            view.release()
            assert shipment.total() == sum(ITEMS)
        tensors.pop().delete()
    shipment.append(9)
    assert (shipment.is_imported, shipment.as_slice()) == (False, [*ITEMS, 9])
