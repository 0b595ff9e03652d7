"""The cost of a view where views are counted by an atomic: of a pair, and of two threads that make views at once.

    python bench/threads.py [--quick] [--check]

With a Python that has a GIL, the modules count by an atomic all the same, and no threads are compared.
"""

import argparse
import statistics
import sys
import threading
import time

# Cargo treats every directory beside this file as a crate, so there must be no `__pycache__`.
sys.dont_write_bytecode = True

import build  # noqa: E402
import callgrind  # noqa: E402
import peers  # noqa: E402
import times  # noqa: E402
import workload  # noqa: E402
from workload import Setting  # noqa: E402

C = peers.ATOMIC + peers.C
OURS = {peers.ATOMIC + name: peers.PEERS[name].label.replace("`", "") for name in (peers.OURS, peers.ORDINARY)}
LABELS = {C: "C by hand, atomic count", **OURS, "bytearray": "CPython's bytearray"}
CASES = ("first", "beside")
# The instructions of a pair of a frozen class, as a multiple of C's.
BUDGET = 1.15
# How many pairs two threads with an object each make, as a multiple of one thread's.
SPEEDUP = 1.9
# A round counts if both threads had a processor for this part of it.
UNDISTURBED = 0.9


def main():
    parser = argparse.ArgumentParser(description="Compare exporters that count views by an atomic.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--check", action="store_true", help="exit with 1 when the budget of instructions is exceeded")
    arguments = parser.parse_args()

    print(f"\nBuilding the peers that count views by an atomic, for Python {sys.version.split()[0]}", flush=True)
    build.build_atomic()
    within = compare_instructions(n=200 if arguments.quick else 1_000)
    compare_times(rounds=7 if arguments.quick else 101, n=5_000 if arguments.quick else 20_000)
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        print("\nNo threads are compared: no free-threaded Python, such as python3.14t, was found")
    else:
        compare_threads(rounds=7 if arguments.quick else 101, n=4_000, seconds=30 if arguments.quick else 300)
    if arguments.check and not within:
        sys.exit("bench: the budget of instructions with an atomic is exceeded, or was not measured")


def compare_instructions(n):
    """Returns whether the instructions are within the budget."""
    if not callgrind.available():
        print("\nvalgrind is missing: no instructions are counted")
        return False
    print("\nInstructions for a pair of request and release with all flags, and as a multiple of C")
    counts = callgrind.count([Setting(name, case) for name in LABELS for case in CASES], n)
    by_name = {name: {case: counts[Setting(name, case)].instructions for case in CASES} for name in LABELS}
    show(by_name, "{:,.0f}")
    ratios = [by_name[peers.ATOMIC + peers.OURS][case] / by_name[C][case] for case in CASES]
    within = all(ratio <= BUDGET for ratio in ratios)
    print(f"  a frozen class: budget {BUDGET:.2f}: {'within' if within else 'OVER'}")
    return within


def compare_times(rounds, n):
    print(f"\nNanoseconds for a pair with all flags, median of {rounds} rounds, and as a multiple of C")
    show(times.measure(LABELS, rounds, n, CASES), "{:,.1f}")


def show(numbers, form):
    print(f"  {'':<36}" + "".join(f"{case:>22}" for case in CASES))
    for name, label in LABELS.items():
        cells = [f"{form.format(numbers[name][case])}  {numbers[name][case] / numbers[C][case]:6.2f}" for case in CASES]
        print(f"  {label:<36}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


# Threads


def compare_threads(rounds, n, seconds):
    """Compares until all have the wanted number of undisturbed rounds, for so many seconds at most."""
    print(f"\nPairs in a microsecond, median of {rounds} rounds in which every thread had a processor all the time")
    titles = ("one thread", "two, an object each", "two, one object")
    print(f"  {'':<36}" + "".join(f"{title:>22}" for title in titles))
    samples = {(name, title): [] for name in LABELS for title in titles}
    end = time.monotonic() + seconds
    while min(map(len, samples.values())) < rounds and time.monotonic() < end:
        for name in LABELS:
            for title, threads, objects in zip(titles, (1, 2, 2), (1, 2, 1)):
                samples[name, title] += run(name, threads, objects, n)
    if not all(samples.values()):
        print("  the other programs on this machine have left no round undisturbed")
        return
    rates = {key: statistics.median(found) for key, found in samples.items()}
    for name, label in LABELS.items():
        print(f"  {label:<36}" + "".join(f"{rates[name, title]:22.1f}" for title in titles), flush=True)
    mine = peers.ATOMIC + peers.OURS
    one, each, shared = titles
    print(f"  at least {min(map(len, samples.values()))} rounds were undisturbed")
    speedup, against_c = rates[mine, each] / rates[mine, one], rates[mine, shared] / rates[C, shared]
    print(f"  a frozen class, an object each: {speedup:.2f} times one thread, budget {SPEEDUP}")
    print(f"  a frozen class, one object: {against_c:.2f} times as fast as C, budget 1.00")


def run(name, threads, objects, n):
    """How many pairs a microsecond the threads make together; nothing if one of them had no processor for a while.

    A thread that has an object of its own has made it: then the reference count takes no atomic instructions.
    """
    shared = peers.make(name) if objects < threads else None
    pairs = peers.load("pairs").pairs
    arrived, spans = [], []

    def work():
        matrix = peers.make(name) if shared is None else shared
        pairs(matrix, workload.FULL, 100)
        arrived.append(True)
        # A thread that sleeps until the others arrive would begin late.
        while len(arrived) < threads:
            pass
        used, start = time.thread_time_ns(), time.perf_counter_ns()
        pairs(matrix, workload.FULL, n)
        spans.append((start, time.perf_counter_ns(), time.thread_time_ns() - used))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    span = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
    return [threads * n * 1_000 / span] if all(used > UNDISTURBED * span for *_, used in spans) else []


if __name__ == "__main__":
    try:
        main()
    except build.NotBuilt as reason:
        sys.exit(f"bench: {reason}")
