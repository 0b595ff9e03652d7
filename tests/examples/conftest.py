"""Lets the tests of all examples together import the modules of the tests of the test extension."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))
