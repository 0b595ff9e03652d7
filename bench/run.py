"""Compares exporters of the buffer protocol: instructions, time, memory, answers, flags, bulk speed, pickles.

    python bench/run.py [--quick] [--check]
    python bench/run.py --build | --bulk | --draw | --instructions | --pickles | --record | --readme | --threads

README.md explains each part.
"""

import argparse
import os
import subprocess
import sys

# Cargo treats every directory beside this file as a crate, so there must be no `__pycache__`.
sys.dont_write_bytecode = True

# Both sides use one thread: by default, numpy's products use all processors.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import build  # noqa: E402
import callgrind  # noqa: E402
import flags  # noqa: E402
import others  # noqa: E402
import peers  # noqa: E402
import regression  # noqa: E402
import results  # noqa: E402
import table  # noqa: E402
import workload  # noqa: E402
from workload import Setting  # noqa: E402

# The exit status when the machine lacks what the regression test needs.
SKIPPED = 3


def main():
    arguments = parse_arguments()
    if arguments.readme:
        check_readme()
    elif arguments.instructions or arguments.record:
        count_again(arguments.record)
    elif arguments.bulk:
        build.enter_environment()
        build.build_for_bulk()
        if not compare_bulk(arguments.quick) and arguments.check:
            sys.exit("bench: a budget of bulk access is exceeded")
    elif arguments.pickles:
        build.enter_environment()
        build.build_for_pickles()
        if not compare_pickles(arguments.quick) and arguments.check:
            sys.exit("bench: a budget of pickles is exceeded")
    elif arguments.threads:
        if not compare_atomic(arguments):
            sys.exit(1)
    elif arguments.build:
        compare_builds(arguments.quick)
    else:
        build.enter_environment()
        within = arguments.draw or compare(arguments)
        if not arguments.quick:
            draw()
        if not arguments.draw:
            within &= compare_atomic(arguments)
        if arguments.check and not within:
            sys.exit("bench: a budget of instructions is exceeded, or was not measured")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Compare exporters of the buffer protocol.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; nothing is written or drawn")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a budget of instructions is exceeded")
    parser.add_argument("--free-threaded", metavar="PYTHON", help="the interpreter for the comparison without a GIL")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--bulk", action="store_true", help="only compare bulk access with numpy and memcpy")
    only.add_argument("--draw", action="store_true", help="only draw table and chart from bench/results.json")
    only.add_argument("--instructions", action="store_true", help="only compare instructions with bench/expected.json")
    only.add_argument("--pickles", action="store_true", help="only compare pickles out of band with numpy's")
    only.add_argument("--record", action="store_true", help="only write the instructions into bench/expected.json")
    only.add_argument("--readme", action="store_true", help="only check that the README has the table of the results")
    only.add_argument("--threads", action="store_true", help="only compare where an atomic counts the views")
    only.add_argument("--build", action="store_true", help="only measure what is added to a user's builds")
    return parser.parse_args()


def say(heading):
    print(f"\n{heading}", flush=True)


# The whole comparison


def compare(arguments):
    """Measures everything and writes the measured file. Returns whether the instructions are within their budgets."""
    say("Building the peers")
    missing = build.build_all()
    names = [name for name in peers.PEERS if name not in missing]
    for name, reason in missing.items():
        print(f"  left out: {peers.PEERS[name].label}: {reason}")

    within = False
    measured = {"peers": {name: {"label": peers.PEERS[name].label} for name in names}, "missing": missing}
    if callgrind.available():
        within = compare_instructions(measured, names, n=200 if arguments.quick else 1_000)
    else:
        say("valgrind is missing: no instructions are counted (everything else is measured)")
    rounds, n = (7, 5_000) if arguments.quick else (101, 20_000)
    compare_times(measured, names, rounds, n)
    compare_others(missing, 200 if arguments.quick else 1_000, rounds, n)
    compare_memory(names, quick=arguments.quick)
    compare_answers(measured, names)
    compare_bulk(arguments.quick)
    compare_pickles(arguments.quick)
    if not arguments.quick and callgrind.available():
        results.write(measured)
    return within


def compare_instructions(measured, names, n):
    """Counts the instructions of every peer and every combination of flags. Returns whether they are within budget."""
    say("Instructions for a pair of request and release with all flags, and as a multiple of C")
    pairs = [Setting(name, case) for name in names for case in workload.CASES]
    large = {name: Setting(name, "first", nrows=peers.NROWS << 20) for name in (peers.C, peers.OURS, peers.ORDINARY)}
    counts = callgrind.count([*pairs, *large.values()], n)
    for name in names:
        cells = {case: round(counts[Setting(name, case)].instructions, 1) for case in workload.CASES}
        measured["peers"][name]["instructions"] = cells
    show(measured, "instructions", "{:,.0f}")
    for name, setting in large.items():
        here, there = counts[Setting(name, "first")].instructions, counts[setting].instructions
        verdict = "equal" if abs(here - there) < 1.5 else "NOT EQUAL"
        print(f"  {peers.PEERS[name].label:<36} of 1 KiB {here:8.1f}   of 1 GiB {there:8.1f}   {verdict}")

    say("Instructions by flags, and as a multiple of C")
    measured["flags"] = flags.rows(callgrind.count(flags.settings(), min(n, 500)))
    return flags.show(measured["flags"])


def compare_times(measured, names, rounds, n):
    import times

    say(f"Nanoseconds for a pair with all flags, median of {rounds} rounds, and as a multiple of C")
    medians = times.measure(names, rounds, n)
    for name in names:
        measured["peers"][name]["nanoseconds"] = medians[name]
    show(measured, "nanoseconds", "{:,.1f}")
    for case in flags.CASES:
        ratio = medians[peers.ORDINARY][case] / medians[peers.C][case]
        verdict = "within" if ratio <= flags.TIME_BUDGET else "OVER"
        print(f"  an ordinary class, {case}: {ratio:.2f}, budget {flags.TIME_BUDGET:.2f}: {verdict}")
    for name in names:
        # Nanoseconds belong to one machine; their ratios say something about others.
        ratios = {case: round(medians[name][case] / medians[peers.C][case], 2) for case in workload.CASES}
        del measured["peers"][name]["nanoseconds"]
        measured["peers"][name]["time"] = ratios


def compare_memory(names, quick):
    import memory

    say("Small objects: the time to make and to drop one, and the memory of one and of a view, where many are alive")
    rounds, n, count = (5, 5_000, 100_000) if quick else (31, 20_000, 1_000_000)
    memory.compare(names, rounds, n, count)


def compare_others(missing, repetitions, rounds, n):
    import times

    settings = others.settings(missing)
    if callgrind.available():
        say("Instructions of other layouts, parts, scoped views and guards")
        counts = callgrind.count(settings, repetitions)
        others.show({setting: count.instructions for setting, count in counts.items()}, "instructions", missing)
    say("Nanoseconds of the same")
    others.show(times.medians_of(settings, rounds, n), "nanoseconds", missing)


def show(measured, what, form):
    print(f"  {'':<36}" + "".join(f"{case:>22}" for case in workload.CASES))
    c = measured["peers"][peers.C][what]
    for peer in measured["peers"].values():
        numbers = peer[what]
        cells = [f"{form.format(numbers[case])}  {numbers[case] / c[case]:6.2f}" for case in workload.CASES]
        print(f"  {peer['label'].replace('`', ''):<36}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def compare_answers(measured, names):
    import answers

    say("What a consumer must know")
    for name in names:
        found = answers.of(name)
        measured["peers"][name]["answers"] = found
        print(f"  {peers.PEERS[name].label.replace('`', ''):<36}{table.limits(found).replace('`', '')}")


def compare_bulk(quick):
    """Returns whether all paths are within their budgets, which are of times: another program may disturb one."""
    import bulk

    within = bulk.compare_bulk(seconds=0.05 if quick else 0.5)
    bulk.compare_consumer(seconds=0.1 if quick else 0.5)
    return within


def compare_pickles(quick):
    """Returns whether all are within their budgets, which are of times."""
    import pickles

    return pickles.compare_pickles(seconds=0.1 if quick else 1)


def compare_atomic(arguments):
    """Compares the exporters where an atomic counts the views, without a GIL if possible.

    Returns whether the instructions are within their budget, if that is to be checked.
    """
    program = [arguments.free_threaded or sys.executable, "-B", peers.HERE / "threads.py"]
    options = [option for option in ("--quick", "--check") if getattr(arguments, option.strip("-"))]
    return subprocess.run([*program, *options]).returncode == 0


# The builds of users


def compare_builds(quick):
    import compile_time

    say("Processor time of a user's builds, and what is added to them")
    measured = compile_time.measure(rounds=1 if quick else 3)
    if not quick:
        results.put("build", measured)
        draw()


# What is drawn from the measured file


def draw():
    measured = results.read()
    for place, text in table.drawn(measured):
        if not place.put(text):
            print(f"  {place.file.relative_to(table.ROOT)} has no place for the table: {place.begin} and {place.end}")
    try:
        import chart
    except ImportError:
        print("  matplotlib is missing: no chart is drawn")
        return
    chart.draw(measured)


def check_readme():
    for place, text in table.drawn(results.read()):
        if place.text() != text:
            file = place.file.relative_to(table.ROOT)
            sys.exit(f"bench: the table in {file} is not that of bench/results.json; run `cargo xtask bench --draw`")


# The regression test of instructions


def count_again(recording):
    for missing, there in {"valgrind": callgrind.available(), "the headers of this Python": build.headers()}.items():
        if not there:
            print(f"  no instructions are counted: {missing} must be installed")
            sys.exit(SKIPPED)
    build.build_for_counting()
    counts = regression.measure()
    if recording:
        regression.record(counts)
    elif not regression.check(counts):
        sys.exit("bench: there are more instructions than bench/expected.json allows")


if __name__ == "__main__":
    try:
        main()
    except build.NotBuilt as reason:
        sys.exit(f"bench: {reason}")
