"""Counts the instructions of a pair with valgrind's callgrind, for many settings of the workload in one run."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import workload


class Count(NamedTuple):
    instructions: float
    refused: bool


def available():
    return shutil.which("valgrind") is not None


def count(settings, n):
    """The instructions of a pair, by setting.

    Callgrind writes a file at each mark. A setting has three files: everything before it, n pairs, and 2n pairs. The
    difference of the last two is n pairs without any overhead.
    """
    # CPython specialises the loop over the settings during the first ones, which are therefore counted once more.
    warm_up = settings[:1] * 8
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "out")
        listed = pathlib.Path(directory, "settings.json")
        listed.write_text(json.dumps(warm_up + settings))
        options = ["--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=pairs_mark"]
        program = [sys.executable, "-B", workload.__file__, str(n), listed]
        # The order of sets and dictionaries must not depend on the run.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(["valgrind", *options, *program], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            sys.exit(f"bench: valgrind failed with status {done.returncode}:\n{done.stderr}")
        counts = {}
        for index, (setting, refused) in enumerate(zip(warm_up + settings, json.loads(done.stdout))):
            if refused not in (0, n):
                sys.exit(f"bench: {refused} of {n} requests were refused: {setting}")
            once, twice = (total(f"{out}.{3 * index + part}") for part in (2, 3))
            counts[setting] = Count((twice - once) / n, refused > 0)
        return counts


def total(path):
    """The number of instructions in a file of callgrind."""
    return int(re.search(r"^totals: (\d+)", pathlib.Path(path).read_text(), re.MULTILINE)[1])
