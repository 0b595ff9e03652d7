"""Runs scripts in interpreters of their own, in which `BUFFER_TRACE` is set or `trace` is called.

Other tests compare what is said without tracing.
"""

import apart

# Compiles the script with a file name of its own, so that line 1 is its first line.
PROLOGUE = """
import gc, threading, time, weakref
import numpy as np
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Series

def refused(call):
    try:
        call()
    except BufferError as refusal:
        return str(refusal)
    return "granted"

def started(work, count=1, name=None):
    threads = [threading.Thread(target=work, name=name) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads

def ended(threads):
    for thread in threads:
        thread.join()

SCRIPT = {script!r}
exec(compile(SCRIPT, {file!r}, "exec"))
"""

REMEDY = "release or delete every view first"
SHARE = ", or change values in place through `share`"


def run(script, file="/home/me/train.py", traced=True, before="", **options):
    """The lines that a script prints. The script's line 1 is the one after the quotes."""
    prologue = f"import os; os.environ['BUFFER_TRACE'] = {'1' if traced else '0'!r}\n{before}"
    script = script.removeprefix("\n")
    return apart.run(prologue + PROLOGUE.format(script=script, file=file), **options).splitlines()


def resize(what, taken, remedy=REMEDY + SHARE):
    return f"cannot resize: {what}{taken}; {remedy}"
