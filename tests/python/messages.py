"""Parts of the errors that refuse something."""

import re

# The end of an error about views that are not traced.
HINT = "; set BUFFER_TRACE=1 to see where"

# An error about a tensor, which a call of Rust ends with the advice to share.
TENSOR_ALIVE = "1 tensor is alive; delete every tensor first"
SHARE = ", or change values in place through `share`"

# Where in Rust a guard was taken.
TAKEN = re.compile(r", (?:most recently )?taken at \S+\.rs:\d+:\d+")


def without_place(text):
    """Removes from the text of an error the places where guards were taken. Asserts that each guard had one."""
    shorter, places = TAKEN.subn("", text)
    assert places == len(re.findall("guards? (?:is|are) alive", text)), text
    return shorter
