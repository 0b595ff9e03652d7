"""Dask and Ray with two workers on this machine, where they are installed."""

import os
import pathlib
import signal

import numpy as np
import pytest
from fleet import Samples

# The engines leave sockets, loops and children to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore")

COUNT = 1 << 20
HERE = pathlib.Path(__file__).parents[1]


def ones(count=COUNT):
    samples = Samples(count)
    np.asarray(samples)[:] = 1
    return samples


def address(memory):
    return np.frombuffer(memory, np.float64).__array_interface__["data"][0]


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip(
        "distributed", reason="`distributed` is not installed, which carries samples to workers"
    )
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_dask_computes_on_samples(client):
    samples = ones()

    def work(samples):
        samples.scale(2.0)
        return os.getpid(), samples.sum(), samples

    pid, total, back = client.submit(work, samples).result(timeout=60)
    assert pid != os.getpid()
    assert (total, back.sum(), samples.sum()) == (2 * COUNT, 2 * COUNT, COUNT)
    back.append(1.0)


def test_dask_scatters_samples_to_both_workers(client):
    samples = ones()
    future = client.scatter(samples, broadcast=True)
    workers = list(client.scheduler_info()["workers"])
    totals = [client.submit(lambda s: (os.getpid(), s.sum()), future, workers=[w], pure=False) for w in workers]
    results = client.gather(totals)
    assert len({pid for pid, _ in results}) == 2
    assert [total for _, total in results] == [COUNT, COUNT]
    back = future.result(timeout=60)
    assert back.sum() == COUNT


def test_dask_frames_are_the_memory_itself(client):
    from distributed.protocol import deserialize, serialize

    samples = ones()
    header, frames = serialize(samples)
    [large] = [frame for frame in frames if memoryview(frame).nbytes == 8 * COUNT]
    assert address(large) == address(samples)
    with pytest.raises(BufferError):
        samples.append(1.0)
    for shift in range(8):
        moved = [memoryview(bytearray(shift) + bytearray(frame))[shift:] for frame in frames]
        assert deserialize(header, moved).sum() == COUNT
    del frames, large, moved
    samples.append(1.0)


def test_dask_spills_samples_to_disk_and_back(tmp_path):
    pytest.importorskip("distributed", reason="`distributed` is not installed, which carries samples to workers")
    from distributed.spill import SpillBuffer

    buffer = SpillBuffer(str(tmp_path), target=COUNT)
    samples = ones()
    total = samples.sum()
    buffer["samples"] = samples
    del samples
    assert "samples" in buffer.slow
    assert buffer["samples"].sum() == total


def test_a_worker_that_is_killed_loses_no_samples(client):
    samples = ones()

    def killed(samples, marker):
        if not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return samples.sum()

    marker = HERE / f".killed-{os.getpid()}"
    try:
        assert client.submit(killed, samples, str(marker), retries=2).result(timeout=120) == COUNT
        assert marker.exists()
    finally:
        marker.unlink(missing_ok=True)
    samples.append(1.0)


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray", reason="`ray` is not installed, which shares samples among workers")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


def test_ray_computes_on_samples(ray):
    samples = ones()
    shared = ray.put(samples)
    # The memory was copied into the store, so that nothing views the object.
    assert samples.views == 0
    samples.append(1.0)

    @ray.remote
    def work(samples):
        samples.scale(2.0)
        return os.getpid(), samples.sum()

    results = ray.get([work.remote(shared) for _ in range(4)])
    assert os.getpid() not in {pid for pid, _ in results}
    assert [total for _, total in results] == [2 * COUNT] * 4
    back = ray.get(shared)
    assert back.sum() == COUNT
    back.append(1.0)


def test_all_getters_of_a_ray_object_see_one_address(ray):
    shared = ray.put(ones())
    one, other = ray.get(shared), ray.get(shared)
    assert one.imported and other.imported
    assert address(one) == address(other)
    assert address(one) % 64 == 0
    a = np.asarray(one)
    assert not a.flags.writeable
    with pytest.raises(BufferError):
        one.append(1.0)
    frames = []
    from ray import cloudpickle

    cloudpickle.dumps(one, protocol=5, buffer_callback=frames.append)
    assert [address(frame) for frame in frames] == [address(other)]
    del a, frames
    one.scale(2.0)
    assert (one.imported, one.sum(), other.sum()) == (False, 2 * COUNT, COUNT)
    # The store keeps the memory as long as the object that shows it.
    del shared, one
    assert other.sum() == COUNT


def test_ray_serializes_without_a_copy(ray):
    samples = ones()
    frames = []
    from ray import cloudpickle

    cloudpickle.dumps(samples, protocol=5, buffer_callback=frames.append)
    assert [address(frame) for frame in frames] == [address(samples)]


def test_a_ray_worker_that_is_killed_loses_no_samples(ray):
    marker = HERE / f".killed-ray-{os.getpid()}"

    @ray.remote(max_retries=2)
    def killed(samples, marker):
        if not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return samples.sum()

    try:
        assert ray.get(killed.remote(ray.put(ones()), str(marker)), timeout=120) == COUNT
        assert marker.exists()
    finally:
        marker.unlink(missing_ok=True)


def test_dask_sends_samples_without_a_copy(client):
    """Samples of 64 MiB go to a worker with no second 64 MiB in this process, which is also that of the scheduler."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells the most memory that a process has had")

    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10

    samples = ones(8 * COUNT)
    # What tests before have freed must not hide a copy.
    grown = np.ones(peak() // 8)
    before = peak()
    sent = client.scatter(samples, direct=True, hash=False)
    assert peak() - before < 8 * COUNT
    del grown
    assert client.submit(Samples.sum, sent).result(timeout=60) == 8 * COUNT
    samples.append(1.0)
