"""What the installed numpy can do."""

import numpy as np
import pytest

# Older versions of `np.from_dlpack` request no version, and do not accept read-only memory without a copy.
AS_NUMPY_2 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
numpy_2 = pytest.mark.skipif(not AS_NUMPY_2, reason="np.from_dlpack knows no versions before numpy 2.1")
