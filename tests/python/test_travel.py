"""Objects in other processes: multiprocessing, cloudpickle, joblib, other builds and other Pythons."""

import concurrent.futures
import io
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from buffer_tests_ext.edges import Gaps, Luggage, Traveller
from travelling import put, total_and_grown

HERE = Path(__file__).parent
KEPT = HERE / "pickles"
METHODS = [method for method in ("spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Children import `travelling` from here."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))


@pytest.mark.parametrize("method", METHODS)
def test_objects_go_to_a_pool_and_come_back(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        t = Traveller(4, 2, "label")
        total, back = pool.submit(total_and_grown, t).result(timeout=60)
    assert total == 28
    assert (np.asarray(back)[:4] == np.asarray(t)).all()
    assert np.asarray(back).shape == (5, 2)
    assert back.fields[:2] == (2, "label")


@pytest.mark.parametrize("method", METHODS)
def test_objects_go_through_queues(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=put, args=(queue, Traveller(4)))
    child.start()
    total, back = queue.get(timeout=60)
    child.join(timeout=60)
    assert (total, np.asarray(back).shape, child.exitcode) == (28, (5, 2), 0)


def test_a_new_interpreter_reads_the_pickle(tmp_path):
    file = tmp_path / "pickle"
    file.write_bytes(pickle.dumps([Traveller(4, label="label"), Luggage()]))
    script = (
        "import pickle, sys\n"
        "t, luggage = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(memoryview(t).tolist(), t.fields[:2], memoryview(luggage.rows).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (
        "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]] (2, 'label') [[1, 2, 3], [4, 5, 6]]\n",
        "",
    )


class ByValue(Traveller):
    def twice(self):
        return 2 * np.asarray(self)


# cloudpickle pickles classes of `__main__` by value.
ByValue.__module__ = "__main__"


def test_cloudpickle_takes_objects_and_subclasses_by_value(tmp_path):
    cloudpickle = pytest.importorskip("cloudpickle")
    t = ByValue(2)
    t.mark = "mark"
    file = tmp_path / "pickle"
    file.write_bytes(cloudpickle.dumps([t, Traveller(1)]))
    script = (
        "import pickle, sys\n"
        "t, plain = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(type(t).__name__, t.mark, t.twice().tolist(), type(plain).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ByValue mark [[0.0, 2.0], [4.0, 6.0]] Traveller\n", "")
    frames = []
    data = cloudpickle.dumps(t, protocol=5, buffer_callback=frames.append)
    assert len(frames) == 2
    assert (cloudpickle.loads(data, buffers=frames).twice() == t.twice()).all()


def test_joblib_dumps_loads_and_maps(tmp_path):
    joblib = pytest.importorskip("joblib")
    t = Traveller(4)
    joblib.dump(t, tmp_path / "joblib")
    assert (np.asarray(joblib.load(tmp_path / "joblib")) == np.asarray(t)).all()
    [(total, back)] = joblib.Parallel(n_jobs=2)([joblib.delayed(total_and_grown)(t)])
    assert (total, np.asarray(back).shape) == (28, (5, 2))
    # Equal objects have equal hashes.
    assert joblib.hash(Traveller(4)) == joblib.hash(t) != joblib.hash(Traveller(5))


def test_a_pickler_of_python_alone_writes_the_same():
    t = Traveller(4, label="label")
    file, frames = io.BytesIO(), []
    pickle._Pickler(file, protocol=5, buffer_callback=frames.append).dump(t)
    back = pickle._Unpickler(io.BytesIO(file.getvalue()), buffers=frames).load()
    assert memoryview(back) == memoryview(t)


@pytest.mark.skipif(sys.byteorder == "big", reason="they are of machines with the other byte order")
@pytest.mark.parametrize("kept", sorted(KEPT.glob("*.pickle")), ids=lambda kept: kept.stem)
def test_pickles_of_other_pythons_are_read(kept):
    """`python tests/python/test_travel.py` writes the pickles of the Python that runs it, once. A build that reads this
    version of the format must read all pickles that were written in it."""
    t, luggage, gaps = pickle.loads(kept.read_bytes())
    assert memoryview(t) == memoryview(Traveller(4, 2, "label"))
    assert t.fields[:3] == (2, "label", ["companion"])
    for name in ("boxed", "array", "small", "owned", "bytes", "rows", "stops", "nested", "long", "sealed"):
        assert memoryview(getattr(luggage, name)).tobytes() == memoryview(getattr(Luggage(), name)).tobytes()
    assert memoryview(gaps) == memoryview(things()[2])


def test_there_are_pickles_of_several_pythons_and_protocols():
    assert len({path.stem.split("-")[0] for path in KEPT.glob("*.pickle")}) >= 2
    assert {path.stem.split("-")[1] for path in KEPT.glob("*.pickle")} == set("012345")


def things():
    return Traveller(4, 2, "label", ["companion"]), Luggage(), Gaps(bytes(range(48)), 3, 16, 4, "<i")


if __name__ == "__main__":
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        version = "".join(map(str, sys.version_info[:2]))
        (KEPT / f"{version}-{protocol}.pickle").write_bytes(pickle.dumps(things(), protocol=protocol))
