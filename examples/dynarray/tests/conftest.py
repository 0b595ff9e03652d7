"""How many random layouts the tests try.

`DYNARRAY_LAYOUTS` sets how many layouts each test of random layouts tries. The default is 20,000. Each run tries the
same layouts, unless `DYNARRAY_LAYOUTS` is larger than the default:

    DYNARRAY_LAYOUTS=1000000 pytest examples/dynarray

A failure prints how to reproduce it.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

LAYOUTS = 20_000
# How many layouts the tests derive from each drawn one, because drawing takes longer than testing.
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
    """The exporter of CPython's own tests of the buffer protocol."""
    return pytest.importorskip(
        "_testbuffer", reason="this Python was built without _testbuffer, CPython's reference exporter"
    )
