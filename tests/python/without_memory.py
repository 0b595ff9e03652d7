"""Repeats each operation while one allocation fails: once for every allocation that the operation makes.

`run(operations, arm, disarm)` returns the failures. It forks for each operation, so that an operation which ends the
process does not disturb the others.
"""

import gc
import os
import signal
import sys
from typing import Any, Callable, NamedTuple

# Stop after this many attempts in a row with the expected outcome: the failure of some allocations does no harm, so one
# such attempt does not show that there are no more allocations.
ENOUGH = 12

# CPython 3.12 and 3.13 crash if there is no memory to make a Python function, or while C code calls one. They do so
# without this project too; no later CPython has been tried.
CRASHES_IN_PYTHON = sys.version_info >= (3, 12)
# From CPython 3.14 on, some of the operations in which PyO3 would panic find memory, or raise `MemoryError`.
PANICS_LESS = (3, 14)
# On CPython 3.9, PyO3 writes the text of a class's `__doc__` to NULL if there is no memory for it.
CRASHES_IN_CLASSES = sys.version_info < (3, 10)


def views_of(thing):
    views = getattr(thing, "views", 0)
    return views() if callable(views) else views


class Operation(NamedTuple):
    """`act` is called with the result of `make`. `views` returns how many views of it are alive afterwards."""

    name: str
    make: Callable[[], Any]
    act: Callable[[Any], Any]
    expected: str = "done"
    views: Callable[[Any], int] = views_of
    # Other exceptions that code outside this project may raise instead.
    others: tuple[str, ...] = ()
    # Why PyO3 panics if it finds no memory, in code that this project cannot change.
    panics: str = ""
    # Why PyO3 ends the process.
    aborts: str = ""
    # Whether each attempt must be the first in its process.
    first: bool = False
    # Whether the operation makes a Python function, or C code calls one.
    in_python: bool = False


def name_of(error):
    # CPython loses an exception that leaves a Python function if there is no memory for the traceback.
    lost = ("error return without exception set", "<function ", "returned NULL without setting an exception")
    text = str(error)
    if text == lost[0] or (text.startswith(lost[1]) and text.endswith(lost[2])):
        return "MemoryError"
    return type(error).__name__


def attempt(operation, failing, arm, disarm):
    """The outcome of one attempt: "done", or the name of an exception."""
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
    panicked = panics or sys.version_info >= PANICS_LESS
    return "PyO3 panics no more" if operation.panics and not panicked else None


def forked(operation, arm, disarm):
    """Runs an operation in a process of its own. Returns what is wrong with it, or None."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.unraisablehook = lambda unraisable: None
        try:
            if not operation.first:
                # PyO3 creates some objects at their first use: create them now, while no allocation fails.
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
    """Runs all operations. Returns a dictionary with what is wrong, by the name of the operation."""
    gc.disable()
    wrong = {operation.name: forked(operation, arm, disarm) for operation in operations}
    return {name: what for name, what in wrong.items() if what is not None}
