"""Every operation while one allocation of Python or of Rust fails: `MemoryError`, or the usual result."""

import os
from pathlib import Path

import apart
import pytest
from without_memory import CRASHES_IN_CLASSES, CRASHES_IN_PYTHON

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each operation runs in a process of its own")

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import operations, without_memory

{prologue}
wrong = without_memory.run({operations}, {arm}, {disarm})
print("".join(f"{{name}}: {{what}}\\n" for name, what in wrong.items()), end="")
"""


# Without memory for the note, a traced view is granted like any other, but not noted.
TRACED = """
edges.trace(True)
traced = ("view: ", "asarray: ", "refused: ", "deletion", "holders", "append", "write")
chosen = [operation for operation in {operations} if operation.name.startswith(traced)]
"""


def sweep(**parts):
    assert apart.run(SCRIPT.format(**parts), Path(__file__).parent) == ""


def sweep_python(which):
    # `_testcapi` belongs to CPython's own tests.
    pytest.importorskip("_testcapi", reason="this Python was built without _testcapi, which takes memory away")
    sweep(
        prologue="import _testcapi",
        operations=f"[operation for operation in operations.OPERATIONS if {which}]",
        arm="lambda failing: _testcapi.set_nomemory(failing, failing + 1)",
        disarm="_testcapi.remove_mem_hooks",
    )


def test_python_finds_no_memory():
    sweep_python("not operation.in_python and not operation.first")


@pytest.mark.skipif(CRASHES_IN_PYTHON, reason="CPython itself crashes here since 3.12")
def test_python_finds_no_memory_in_a_function():
    sweep_python("operation.in_python")


def test_python_finds_no_memory_for_a_note():
    pytest.importorskip("_testcapi", reason="this Python was built without _testcapi, which takes memory away")
    sweep(
        prologue="import _testcapi\nfrom buffer_tests_ext import edges\n"
        f"may_call = {not CRASHES_IN_PYTHON}" + TRACED.format(operations="operations.OPERATIONS"),
        operations="[operation for operation in chosen if may_call or not operation.in_python]",
        arm="lambda failing: _testcapi.set_nomemory(failing, failing + 1)",
        disarm="_testcapi.remove_mem_hooks",
    )


@pytest.mark.skipif(CRASHES_IN_CLASSES, reason="PyO3 crashes without memory for a class of this Python")
def test_python_finds_no_memory_at_the_first_use():
    sweep_python("operation.first")


def test_rust_finds_no_memory():
    sweep(
        # PyO3 creates a class at its first use, with allocations that must not fail, so use one now.
        prologue="from buffer_tests_ext import edges\noperations.block(bytearray(8))",
        operations="operations.OF_SLOTS",
        arm="edges.fail_allocation",
        disarm="edges.fail_allocation",
    )


def test_rust_finds_no_memory_for_a_note():
    sweep(
        prologue="from buffer_tests_ext import edges\noperations.block(bytearray(8))"
        + TRACED.format(operations="operations.OF_SLOTS"),
        operations="chosen",
        arm="edges.fail_allocation",
        disarm="edges.fail_allocation",
    )
