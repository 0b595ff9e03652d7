"""The tests of the examples together use what those of the test extension use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))
