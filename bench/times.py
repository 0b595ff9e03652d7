"""The time of a pair. The peers take turns in one process, so that disturbances affect all of them. The time is this
thread's on a processor, so other programs on the machine disturb it less."""

import contextlib
import statistics
import time

import workload
from workload import Setting


def measure(names, rounds, n, cases=workload.CASES):
    """Nanoseconds of a pair, the median of all rounds, by peer and case."""
    medians = {name: {} for name in names}
    for case in cases:
        samples = {name: [] for name in names}
        with contextlib.ExitStack() as stack:
            pairs = {name: stack.enter_context(workload.situation(Setting(name, case))) for name in names}
            for round_number in range(rounds + 1):
                for name in names:
                    start = time.thread_time_ns()
                    pairs[name](n)
                    elapsed = time.thread_time_ns() - start
                    # The first round warms up.
                    if round_number > 0:
                        samples[name].append(elapsed / n)
        for name in names:
            medians[name][case] = statistics.median(samples[name])
    return medians
