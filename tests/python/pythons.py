"""What some tests depend on in the Python that runs them."""

import sys

import pytest

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python code reaches the slots from 3.12 on")

# Without a GIL, a view or a `&mut self` method may be refused, because another thread is inside a method just then.
HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
