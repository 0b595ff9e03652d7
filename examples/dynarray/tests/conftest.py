"""How many layouts are tried.

`DYNARRAY_LAYOUTS` says how many each test of random layouts tries; without it there are 20,000. They are the same in
each run unless there are more, as in

    DYNARRAY_LAYOUTS=1000000 pytest examples/dynarray

What fails prints how to repeat it.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

LAYOUTS = 20_000
# How many the tests make of one that is drawn: drawing takes longer than testing.
VARIANTS = 4

layouts = int(os.environ.get("DYNARRAY_LAYOUTS", LAYOUTS))
settings.register_profile(
    "layouts",
    max_examples=-(-layouts // VARIANTS),
    derandomize=layouts <= LAYOUTS,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("layouts")


@pytest.fixture(scope="session")
def testbuffer():
    """CPython's own exporter for tests of the buffer protocol."""
    return pytest.importorskip(
        "_testbuffer", reason="this Python was built without _testbuffer, CPython's reference exporter"
    )
