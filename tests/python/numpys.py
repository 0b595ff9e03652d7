"""What the installed numpy can do."""

import numpy as np
import pytest

# `np.from_dlpack` is older than what it asks for: versions, and read-only arrays that are not copies.
AS_NUMPY_2 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
numpy_2 = pytest.mark.skipif(not AS_NUMPY_2, reason="np.from_dlpack knows no versions before numpy 2.1")
