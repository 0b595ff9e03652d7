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
        for setting, median in medians_of([Setting(name, case) for name in names], rounds, n).items():
            medians[setting.peer][case] = median
    return medians


def medians_of(settings, rounds, n):
    """Nanoseconds of one repetition, the median of all rounds, by setting. The settings take turns."""
    samples = {setting: [] for setting in settings}
    with contextlib.ExitStack() as stack:
        work = {setting: stack.enter_context(workload.situation(setting)) for setting in settings}
        for round_number in range(rounds + 1):
            for setting in settings:
                start = time.thread_time_ns()
                work[setting](n)
                elapsed = time.thread_time_ns() - start
                # The first round warms up.
                if round_number > 0:
                    samples[setting].append(elapsed / n)
    return {setting: statistics.median(taken) for setting, taken in samples.items()}
