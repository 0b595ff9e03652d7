"""Operations on all classes, each repeated with one allocation that fails, once for every allocation that it makes.

`run(operations)` answers how they ended. It forks for each of them, so that one which ends the process spoils no other.
"""

import gc
import os
import signal
import sys
from typing import Any, Callable, NamedTuple

# An operation is over with when it has come to its end so often in a row: some allocations may fail without harm.
ENOUGH = 12


class Operation(NamedTuple):
    """`make` prepares what `act` gets. `views` answers how many views are left over afterwards."""

    name: str
    make: Callable[[], Any]
    act: Callable[[Any], Any]
    expected: str = "done"
    views: Callable[[Any], int] = lambda thing: thing.views() if hasattr(thing, "views") else 0
    # What else it may raise, which is not ours to say.
    others: tuple[str, ...] = ()
    # Why PyO3 panics for want of memory, where nothing of ours can keep it from that.
    panics: str = ""
    # Why it ends the process.
    aborts: str = ""
    # Whether every attempt is to be the first that the process makes.
    first: bool = False


def name_of(error):
    # CPython loses an exception that leaves a Python function where there is no memory for its traceback.
    lost = ("error return without exception set", "<function ", "returned NULL without setting an exception")
    text = str(error)
    if text == lost[0] or (text.startswith(lost[1]) and text.endswith(lost[2])):
        return "MemoryError"
    return type(error).__name__


def attempt(operation, failing, arm, disarm):
    """How one attempt ends: "done", or with the name of an exception."""
    thing = operation.make()
    act, error, outcome = operation.act, None, "done"
    arm(failing)
    try:
        act(thing)
    except BaseException as caught:
        error = caught
    disarm()
    if error is not None:
        outcome, error = name_of(error), None
    left = operation.views(thing)
    return outcome if left == 0 else f"{outcome}, {left} views left"


def attempt_first(operation, failing, arm, disarm):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, attempt(operation, failing, arm, disarm).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        outcome = lines.read()
    _, status = os.waitpid(child, 0)
    return outcome if status == 0 else f"ended by signal {os.WTERMSIG(status)}"


def sweep(operation, arm, disarm, report):
    row, failing, panics = 0, 0, 0
    while row < ENOUGH:
        report(failing)
        outcome = (attempt_first if operation.first else attempt)(operation, failing, arm, disarm)
        if outcome == "PanicException" and operation.panics:
            outcome, panics = "MemoryError", panics + 1
        if outcome not in ("MemoryError", operation.expected, *operation.others):
            return f"allocation {failing}: {outcome}"
        row = row + 1 if outcome == operation.expected else 0
        failing += 1
    return "PyO3 panics no more" if operation.panics and not panics else None


def forked(operation, arm, disarm):
    """What is wrong with an operation, or None."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.unraisablehook = lambda unraisable: None
        try:
            if not operation.first:
                # What PyO3 makes at its first use of something is made now.
                attempt(operation, None, lambda _: None, lambda: None)
            wrong = sweep(operation, arm, disarm, lambda failing: os.write(writing, f"at {failing}\n".encode()))
            os.write(writing, f"{wrong or ''}\n".encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}\n".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        last = lines.read().splitlines()[-1]
    _, status = os.waitpid(child, 0)
    if operation.aborts:
        aborted = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
        return None if aborted else "PyO3 ends the process no more"
    return (last or None) if status == 0 else f"{last}: ended by signal {os.WTERMSIG(status)}"


def run(operations, arm, disarm):
    """What is wrong, by the operation's name."""
    gc.disable()
    wrong = {operation.name: forked(operation, arm, disarm) for operation in operations}
    return {name: what for name, what in wrong.items() if what is not None}
