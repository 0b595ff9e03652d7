"""Fixtures that the tests share."""

import gc
import os

import pytest
from buffer_tests_ext import layouts

# The tests expect the messages of untraced views. The variable is read when the first object is made.
os.environ.pop("BUFFER_TRACE", None)


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture(scope="module", autouse=True)
def nothing_older_is_collected():
    """Makes `gc.collect()` visit only the objects that this module's tests have made. Visiting thousands of tests, and
    the objects of other modules' tests, took half of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def testbuffer():
    """CPython's own exporter for tests of the buffer protocol."""
    return pytest.importorskip(
        "_testbuffer", reason="this Python was built without _testbuffer, CPython's reference exporter"
    )


@pytest.fixture
def storages():
    """Counts the storages of `Base` and its subclasses. All storages that a test makes must be gone at its end."""
    gc.collect()
    before = layouts.storages()
    yield lambda: layouts.storages() - before
    gc.collect()
    assert layouts.storages() == before
