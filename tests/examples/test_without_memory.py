"""Every operation of the examples while one allocation of Python fails: `MemoryError`, or the usual result."""

import os
from pathlib import Path

import apart
import pytest
from without_memory import CRASHES_IN_PYTHON

pytest.importorskip("_testcapi", reason="this Python was built without _testcapi, which takes memory away")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each operation runs in a process of its own")

SCRIPT = """
import sys
sys.path[:0] = sys.argv[1:]
import _testcapi, operations_of_examples, without_memory

arm = lambda failing: _testcapi.set_nomemory(failing, failing + 1)
operations = [operation for operation in operations_of_examples.OPERATIONS if {which}]
wrong = without_memory.run(operations, arm, _testcapi.remove_mem_hooks)
print("".join(f"{{name}}: {{what}}\\n" for name, what in wrong.items()), end="")
"""


def sweep(which):
    here = Path(__file__).parent
    assert apart.run(SCRIPT.format(which=which), here, here.parent / "python") == ""


def test_python_finds_no_memory():
    sweep("not operation.in_python")


@pytest.mark.skipif(CRASHES_IN_PYTHON, reason="CPython itself crashes here since 3.12")
def test_python_finds_no_memory_in_a_function():
    sweep("operation.in_python")
