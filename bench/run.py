"""Compares an exported class with hand-written C and hand-written PyO3: instructions, time, size, bulk speed. Compares
a consumer with numpy.

    python bench/run.py [--quick] [--check]

README.md explains each part.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# Cargo treats every directory beside this file as a crate, so there must be no `__pycache__`.
sys.dont_write_bytecode = True

# Both sides use one thread: by default, numpy's products use all processors.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import modules  # noqa: E402
import workload  # noqa: E402

# The budget of a frozen class, as a multiple of the C extension's instructions.
BUDGET = {"first view": 1.25, "view alive": 1.05, "memoryview": 1.05}

TITLES = {
    "first view": "each the first",
    "view alive": "another alive",
    "memoryview": "memoryview(m).release()",
}


def main():
    arguments = parse_arguments()
    say("Building the peers")
    modules.build()
    within = compare_instructions(5_000 if arguments.quick else 20_000)
    compare_times(rounds=7 if arguments.quick else 31, n=20_000 if arguments.quick else 100_000)
    compare_bulk(seconds=0.1 if arguments.quick else 0.5)
    compare_consumer(seconds=0.1 if arguments.quick else 0.5)
    if arguments.check and not within:
        sys.exit("bench: the budget of instructions is exceeded, or was not measured")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Compare an exported class with hand-written extensions.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a budget of instructions is exceeded")
    return parser.parse_args()


def say(heading):
    print(f"\n{heading}", flush=True)


# Instructions


def compare_instructions(n):
    """Prints the instructions of every peer. Returns whether they were counted and the derive is within its budget."""
    say("Instructions for a get + release pair (PyBUF_FULL), and as a multiple of the C extension")
    if shutil.which("valgrind") is None:
        print("  valgrind is missing: no instructions are counted (everything else is measured)")
        return False
    counts = count_instructions(n)
    small = {name: {case: counts[name, case, workload.NROWS] for case in workload.CASES} for name in modules.PEERS}
    print_table(small, "{:.0f}")
    within = print_budget(small)

    say("Instructions where each view is the first, by size of the matrix")
    for name, label in modules.PEERS.items():
        here, there = (counts[name, "first view", nrows] for nrows in (workload.NROWS, workload.NROWS << 20))
        verdict = "equal" if abs(here - there) < 0.5 else "NOT EQUAL"
        print(f"  {label:<24}1 KiB {here:8.1f}   1 GiB {there:8.1f}   {verdict}")
    return within


def count_instructions(n):
    """Instructions per pair for every setting of the workload, from one run under callgrind.

    Callgrind writes a file at each mark. A setting has three files: everything before it, n pairs, and 2n pairs. The
    difference of the last two is n pairs without any overhead.
    """
    names = list(modules.PEERS)
    program = pathlib.Path(workload.__file__)
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "out")
        options = ["--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=pairs_mark"]
        done = subprocess.run(
            ["valgrind", *options, sys.executable, "-B", str(program), str(n), *names],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            sys.exit(f"bench: valgrind failed with status {done.returncode}:\n{done.stderr}")
        counts = {}
        for index, setting in enumerate(workload.settings(names)):
            once, twice = (total(f"{out}.{3 * index + part}") for part in (2, 3))
            counts[setting] = (twice - once) / n
        return counts


def total(path):
    """The number of instructions in a file of callgrind."""
    return int(re.search(r"^totals: (\d+)", pathlib.Path(path).read_text(), re.MULTILINE)[1])


def print_budget(counts):
    within = True
    cells = []
    for case, budget in BUDGET.items():
        ratio = counts[modules.OURS][case] / counts[modules.C_PEER][case]
        within &= ratio <= budget
        cells.append(f"{budget:.2f}: {'within' if ratio <= budget else 'over'}")
    print_row(f"budget of {modules.PEERS[modules.OURS]}", cells)
    return within


# Times


def compare_times(rounds, n):
    """Prints nanoseconds per pair. The peers take turns in one process, so that disturbances affect all of them."""
    say(f"Nanoseconds for the same, median of {rounds} rounds, and as a multiple of the C extension")
    matrices = {name: modules.load(name).Matrix(workload.NCOLS, workload.NROWS) for name in modules.PEERS}
    medians = {name: {} for name in modules.PEERS}
    for case, run in workload.CASES.items():
        samples = {name: [] for name in modules.PEERS}
        for round_number in range(rounds + 1):
            for name, matrix in matrices.items():
                start = time.perf_counter_ns()
                run(matrix, n)
                elapsed = time.perf_counter_ns() - start
                if round_number > 0:
                    samples[name].append(elapsed / n)
        for name in modules.PEERS:
            medians[name][case] = statistics.median(samples[name])
    print_table(medians, "{:.1f}")


def print_table(numbers, form):
    print_row("", [TITLES[case] for case in workload.CASES])
    for name, label in modules.PEERS.items():
        cells = []
        for case in workload.CASES:
            ratio = numbers[name][case] / numbers[modules.C_PEER][case]
            cells.append(f"{form.format(numbers[name][case])}  {ratio:5.2f}")
        print_row(label, cells)


def print_row(label, cells):
    print(f"  {label:<24}" + "".join(f"{cell:>26}" for cell in cells))


# Bulk speed


def compare_bulk(seconds):
    """Prints how fast `Shared::update`, `Shared::for_each_chunk` and numpy change every element in place."""
    say("Multiplying float32 in place while a view is held, gigabytes a second, and as a multiple of numpy's")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return
    ours = modules.load(modules.OURS)
    print_row("elements", ["numpy", "update, numpy", "for_each_chunk, numpy"])
    for exponent in range(3, 8):
        matrix = ours.Matrix(1, 10**exponent)
        array = numpy.asarray(matrix)
        array[:] = 1.5
        # Multiplying by -1 changes every element, so all are stored, and none grows, so the speed stays the same.
        factor = numpy.float32(-1.0)
        contestants = {
            "ours": lambda matrix=matrix: matrix.scale(-1.0),
            "chunks": lambda matrix=matrix: matrix.scale_chunks(-1.0),
            "numpy": lambda array=array, factor=factor: numpy.multiply(array, factor, out=array),
        }
        speed = {name: 8e-9 * 10**exponent / took for name, took in fastest(contestants, seconds).items()}
        cells = [f"{speed['numpy']:.1f}"]
        cells += [f"{speed[way]:.1f}  {speed[way] / speed['numpy']:5.2f}" for way in ("ours", "chunks")]
        print_row(f"{10**exponent:,}", cells)


def compare_consumer(seconds):
    """Prints how fast the functions of `examples/consume`, and numpy itself, read and change numpy's arrays."""
    say("Computing on contiguous arrays of numpy, nanoseconds an item, and as a multiple of numpy's speed")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return
    ours = modules.load(modules.CONSUMER)
    titles = ["sum of int32", "product of float64", "scaling of float64"]
    print_row("items", [f"{title}, numpy" for title in titles])
    for exponent in range(3, 8):
        count = 10**exponent
        whole, a, b = numpy.arange(count, dtype=numpy.int32), numpy.linspace(1, 2, count), numpy.linspace(2, 1, count)
        rounds = [
            {"ours": lambda x=whole: ours.sum_array(x), "numpy": lambda x=whole: int(numpy.sum(x))},
            {"ours": lambda x=a, y=b: ours.dot(x, y), "numpy": lambda x=a, y=b: numpy.dot(x, y)},
            {"ours": lambda x=a: ours.scale(x, -1.0), "numpy": lambda x=a: numpy.multiply(x, -1.0, out=x)},
        ]
        cells = []
        for contestants in rounds:
            took = {name: 1e9 * call / count for name, call in fastest(contestants, seconds).items()}
            cells.append(f"{took['ours']:.2f}  {took['numpy']:.2f}  {took['numpy'] / took['ours']:5.2f}")
        print_row(f"{count:,}", cells)


def fastest(contestants, seconds):
    """Seconds per call of each contestant: the median of calls made in turns."""
    samples = {name: [] for name in contestants}
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end or len(samples["ours"]) < 5:
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in samples.items()}


if __name__ == "__main__":
    main()
