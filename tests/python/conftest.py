"""What the tests share."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture(scope="session")
def testbuffer():
    """CPython's own exporter for tests of the buffer protocol."""
    return pytest.importorskip(
        "_testbuffer", reason="this Python was built without _testbuffer, CPython's reference exporter"
    )
