"""The regression test of instructions: compares the counts of this project's classes with those in `expected.json`.

Compilers and interpreters change the counts, so the file has a set of counts for each combination of processor,
CPython and rustc. Where it has none, only the ratios to C are checked, loosely.
"""

import json
import platform
import re
import subprocess
import sys
import sysconfig

import callgrind
import flags
import others
import peers
from workload import Setting

FILE = peers.HERE / "expected.json"
TOLERANCE = 0.03
# The counts do not depend on the number of repetitions.
REPETITIONS = 200
# With an unknown compiler: a full request costs at most this multiple of C.
LOOSE = {"ours": 1.5, "ours_mutable": 2.0}


def key():
    """What the counts depend on."""
    rustc = re.search(r"\d+\.\d+", subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout)[0]
    python = ".".join(map(str, sys.version_info[:2]))
    # How CPython was built decides how many instructions its own part of a request takes.
    options = re.findall(r"-O\w", sysconfig.get_config_var("OPT") or "")
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    options += [option for option in ("shared", "optimizations", "lto") if option in configured]
    built = ", ".join([platform.python_compiler(), *options])
    return f"{platform.machine()}, CPython {python} ({built}), rustc {rustc}"


def names():
    """The settings that are compared, by the name that the file gives them."""
    ours = {"ours", "ours_mutable", "ours_fortran", "ours_mutable_fortran"}
    bits = {value: name for name, value in flags.FLAGS.items()}
    named = {f"{s.peer} {bits[s.flags]} {s.case}": s for s in flags.settings() if s.peer in ours}
    return {**named, **others.names()}


def measure():
    return callgrind.count(list(dict.fromkeys([*flags.settings(), *others.names().values()])), REPETITIONS)


def record(counts):
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    recorded[key()] = {name: round(counts[setting].instructions, 1) for name, setting in names().items()}
    FILE.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    print(f"  recorded {len(recorded[key()])} counts for {key()}")


def check(counts):
    """Prints the settings that cost more than recorded. Returns whether there are none."""
    recorded = json.loads(FILE.read_text()).get(key())
    if recorded is None:
        print(f"  no counts are recorded for {key()}: only the ratios to C are checked")
        return check_ratios(counts)
    within = True
    cheaper = 0
    for name, setting in names().items():
        now, then = counts[setting].instructions, recorded.get(name)
        if then is None:
            within = False
            print(f"  {name}: {now:.1f}, not recorded; record it with `cargo xtask bench --record`")
        elif now > then * (1 + TOLERANCE):
            within = False
            print(f"  {name}: {now:.1f}, recorded {then:.1f}: {100 * (now / then - 1):.0f}% more")
        elif now < then * (1 - TOLERANCE):
            cheaper += 1
    if cheaper:
        print(f"  {cheaper} are more than 3% cheaper than recorded; record them with `cargo xtask bench --record`")
    print(f"  {len(names())} counts compared, for {key()}")
    return within


def check_ratios(counts):
    within = True
    for name, bound in LOOSE.items():
        for case in flags.CASES:
            mine, c = (counts[Setting(peer, case)].instructions for peer in (name, peers.C))
            print(f"  {name}, full request, {case}: {mine / c:.2f} times C, bound {bound:.2f}")
            within &= mine <= bound * c
    return within
