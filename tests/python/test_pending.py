"""Objects that die while an exception is pending, with storages whose drop runs user code."""

import apart
import pytest

# CPython crashes if such an exception is lost.
SCRIPT = """
import sys
from buffer_tests_ext.edges import Child, Owner, Tally, part

reports, done = [], []
sys.unraisablehook = lambda report: reports.append(report.exc_type.__name__)
tally = Tally()

def call():
    done.append(sys.intern("called"))

def fail():
    done.append("called")
    raise KeyError("of the drop")

def mine():
    raise ValueError("mine")

def make():
    return Owner([1, 2], tally, {last_act})

def orphaned(drained):
    m = make()
    view = memoryview(m)
    part(m).drop_here()
    if drained:
        memoryview(Owner([3])).release()
    return view

for _ in range(3):
    try:
        # The object is a temporary, which dies as soon as the second item has raised.
        ({temporary}, mine())
    except ValueError as error:
        assert (str(error), error.__context__) == ("mine", None)
    else:
        raise AssertionError("nothing was raised")
print(tally.drops, reports, done)
"""

LAST_ACTS = {
    "call": ([], ["called"]),
    "fail": (["KeyError"], ["called"]),
    "'panic'": (["PanicException"], []),
    "'panic twice'": (["PanicException"], []),
}


@pytest.mark.parametrize(
    "temporary",
    ["make()", "memoryview(make())", "memoryview(make())[1:]", "orphaned(drained=False)", "orphaned(drained=True)"],
)
@pytest.mark.parametrize("last_act", LAST_ACTS)
def test_a_pending_exception_survives_a_drop(last_act, temporary):
    reports, done = LAST_ACTS[last_act]
    out = apart.run(SCRIPT.format(last_act=last_act, temporary=temporary), stderr=None)
    assert out == f"3 {reports * 3} {done * 3}\n"
