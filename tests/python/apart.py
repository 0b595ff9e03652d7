"""Runs scripts in a separate interpreter: for code that might hang or crash, and for the exit of the interpreter."""

import os
import subprocess
import sys

# A script that hangs prints its traceback and exits. If it cannot, `subprocess.run` kills it 10 seconds later.
TIMEOUT = 300
PROLOGUE = f"import faulthandler; faulthandler.dump_traceback_later({TIMEOUT}, exit=True)\n"


def run(script, *arguments, stderr=""):
    """Runs a script, which must exit with status 0 and print exactly `stderr` to stderr. Returns its stdout.

    With `stderr=None`, anything may be printed to stderr.
    """
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + script, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT + 10,
    )
    said = done.stderr if stderr is not None else None
    assert (done.returncode, said) == (0, stderr), done.stderr + done.stdout
    return done.stdout
