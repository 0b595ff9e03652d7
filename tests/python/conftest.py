"""What the tests share."""

import gc

import pytest
from buffer_tests_ext import layouts


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture(scope="module", autouse=True)
def nothing_older_is_collected():
    """`gc.collect()` then looks at what a module's tests have made, not at thousands of tests and what those of other
    modules have made: that took half of the time."""
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
    """Counts the storages of `Base` and its subclasses. At the end there must be none that was not there before."""
    gc.collect()
    before = layouts.storages()
    yield lambda: layouts.storages() - before
    gc.collect()
    assert layouts.storages() == before
