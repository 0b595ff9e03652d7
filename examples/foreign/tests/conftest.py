"""Checks that no test leaks memory."""

import gc

import pytest
from foreign import live_allocations


@pytest.fixture(autouse=True)
def no_leak():
    gc.collect()
    before = live_allocations()
    yield
    gc.collect()
    assert live_allocations() == before
