"""Dask and Ray compute on the memory of Rust: what moved, and what was copied.

Run it with any Python that has fleet, numpy and tqdm installed; `cargo xtask develop` installs them into `.venv`. Each
of `distributed` and `ray` that is installed too gets two workers on this machine, and the samples. The argument is
their size in mebibytes.
"""

import logging
import os
import pickle
import sys

try:
    import numpy as np
    from fleet import Samples
    from tqdm import tqdm
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask develop` installs what the demo needs into `.venv`")

MIB = 1 << 20
PARTS = 8


def main(mebibytes=256):
    each = mebibytes * MIB // 8 // PARTS
    fleet = [Samples(each) for _ in range(PARTS)]
    for samples in fleet:
        np.asarray(samples)[:] = 1
    print(f"{PARTS} times {each * 8 / MIB:g} MiB of samples")
    by_pickle(fleet)
    for engine in (by_dask, by_ray):
        try:
            engine(fleet)
        except ImportError as error:
            print(f"\n{error}: `pip install {error.name}` into this environment to see it")
    for samples in fleet:
        samples.append(2.0)
    print(f"\nafter all that, {fleet[0]} grows again")


def by_pickle(fleet):
    """What every engine builds on: frames out of band."""
    before, frames = resident(), []
    data = pickle.dumps(fleet, protocol=5, buffer_callback=frames.append)
    same = "are" if address(frames[0]) == address(fleet[0]) else "are not"
    print(f"\npickle: {len(data)} bytes and {len(frames)} frames; the frames {same} the samples' memory")
    print(f"  resident memory: {grown(before)}")
    try:
        fleet[0].append(0.0)
    except BufferError as error:
        print("  append:", error)


def by_dask(fleet):
    from distributed import Client, LocalCluster, as_completed

    print("\nDask, two workers")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR) as cluster,
        Client(cluster) as client,
    ):
        before = resident()
        # `direct` sends the frames to the workers, and none to the scheduler, which is in this process.
        sent = [client.scatter(samples, direct=True, hash=False) for samples in tqdm(fleet, unit=" parts")]
        print(f"  resident memory of the sender: {grown(before)}")
        futures = client.map(scaled, sent, pure=False)
        report(fleet, (future.result() for future in tqdm(as_completed(futures), total=PARTS, unit=" parts")))


def by_ray(fleet):
    import ray

    print("\nRay, two workers")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        before = resident()
        task = ray.remote(scaled)
        shared = [ray.put(samples) for samples in tqdm(fleet, unit=" parts")]
        print(f"  resident memory of the sender, beside the shared memory that it has written: {grown(before)}")
        before = resident()
        one, other = ray.get(shared[0]), ray.get(shared[0])
        same = "one address" if address(one) == address(other) else "different addresses"
        print(f"  two getters see {same}, read-only: {not writable(one)}; resident memory: {grown(before)}")
        del one, other
        pending = [task.remote(samples) for samples in shared]
        report(fleet, (ray.get(one) for one in tqdm(pending, unit=" parts")))
    finally:
        ray.shutdown()


def scaled(samples):
    """What a worker does: a sum of the memory that has arrived, and a change, which copies imported memory first."""
    imported, before = samples.imported, samples.sum()
    samples.scale(2.0)
    return os.getpid(), imported, before, samples.sum()


def report(fleet, results):
    results = list(results)
    workers = len({pid for pid, *_ in results} - {os.getpid()})
    kept = sum(imported for _, imported, *_ in results)
    before, after = sum(one[2] for one in results), sum(one[3] for one in results)
    print(f"  {workers} other processes got {len(results)} parts, and read {kept} in the memory in which they arrived")
    if not kept:
        print("  their frames were writable or misaligned, so each object has copied its own")
    here = sum(samples.sum() for samples in fleet)
    print(f"  the sum there: {before:,.0f}, and {after:,.0f} when doubled; here: {here:,.0f}")


def address(memory):
    return np.frombuffer(memory, np.float64).__array_interface__["data"][0]


def writable(memory):
    return np.asarray(memory).flags.writeable


def resident():
    """The bytes of this process alone that are in memory; None where Linux does not tell."""
    try:
        with open("/proc/self/statm") as file:
            _, resident, shared, *_ = map(int, file.read().split())
        return (resident - shared) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return None


def grown(before):
    return "unknown" if before is None else f"{(resident() - before) / MIB:+.1f} MiB"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
