"""Tracing: a refusal says where in Python each view in its way was taken."""

import re
import sys
from pathlib import Path

import apart
import pytest
from traced import REMEDY, SHARE, resize, run


def test_a_refusal_names_the_place_of_the_view():
    said = run("""
def fit(m):
    return memoryview(m)

m = Series([1.0])
view = fit(m)
print(refused(lambda: m.append(2)))
view.release()
print(refused(lambda: m.append(2)))
view = memoryview(m)
print(refused(m.close))
""")
    assert said == [
        resize("1 writable view is alive", ", taken at train.py:2 in fit"),
        "granted",
        f"cannot close: 1 writable view is alive, taken at train.py:9 in <module>; {REMEDY}",
    ]


@pytest.mark.parametrize("value", ["", "0"])
def test_without_tracing_a_refusal_says_how_to_switch_it_on(value):
    script = f"""
import os
os.environ["BUFFER_TRACE"] = {value!r}
from buffer_tests_ext import edges
m = edges.Several()
view = memoryview(m.values)
try:
    m.grow_values()
except BufferError as refusal:
    print(refusal)
print(m.values.holders())
print([(holder["access"], holder["file"], holder["age"]) for holder in m.values.holders()])
"""
    unknown = {"access": "writable view", **dict.fromkeys(("file", "line", "function", "thread", "age"))}
    assert apart.run(script).splitlines() == [
        resize("1 writable view is alive", "", f"{REMEDY}{SHARE}; set BUFFER_TRACE=1 to see where"),
        str([unknown]),
        "[('writable view', None, None)]",
    ]


def test_several_places_are_named_with_the_number_of_their_views():
    said = run("""
m = Series([1.0])
views = [memoryview(m) for _ in range(3)]
def fit():
    views.append(memoryview(m))
fit()
print(refused(lambda: m.append(2)))
views.append((lambda: memoryview(m))())
views.append(np.asarray(m))
print(refused(lambda: m.append(2)))
views += map(memoryview, [m, m])
print(refused(lambda: m.append(2)))
""")
    name = "<module>" if sys.version_info >= (3, 12) else "<listcomp>"
    assert said == [
        resize("4 writable views are alive", f", taken at train.py:4 in fit and at train.py:2 in {name} (3 views)"),
        resize(
            "6 writable views are alive",
            ", taken at train.py:8 in <module>, at train.py:7 in <lambda>, at train.py:4 in fit "
            "and elsewhere (3 views)",
        ),
        resize(
            "8 writable views are alive",
            ", taken at train.py:10 in <module> (2 views), at train.py:8 in <module>, at train.py:7 in <lambda> "
            "and elsewhere (4 views)",
        ),
    ]


def test_only_views_that_are_in_the_way_are_named():
    said = run("""
m = Series([1.0])
views = []
m.call_under("read", lambda: views.append(memoryview(m)))
views.append(memoryview(m))
print(refused(lambda: m.call_under("read", list)))
print(refused(lambda: m.append(2)))
""")
    assert said == [
        f"cannot read: 1 writable view is alive, taken at train.py:4 in <module>; {REMEDY}",
        resize(
            "1 writable and 1 read-only views are alive",
            ", taken at train.py:4 in <module> and at train.py:3 in <lambda>",
        ),
    ]


def test_generators_methods_and_packages_are_named():
    said = run(
        """
class Model:
    def fit(self, m):
        yield memoryview(m)
    @property
    def view(self):
        return memoryview(self.m)
m, model = Series([1.0]), Model()
model.m = m
generator = model.fit(m)
view = next(generator)
print(refused(lambda: m.append(2)))
del view, generator
gc.collect()
view = model.view
print(refused(lambda: m.append(2)))
""",
        file="/usr/lib/nets/__init__.py",
    )
    assert said == [
        resize("1 writable view is alive", ", taken at nets/__init__.py:3 in fit"),
        resize("1 writable view is alive", ", taken at nets/__init__.py:6 in view"),
    ]


def test_code_without_a_python_frame_is_named_so():
    said = run("print(edges.refusal_of_a_view_without_a_frame())")
    assert said == [resize("1 writable view is alive", ", taken outside Python code")]


def test_a_file_whose_name_is_no_utf8_is_a_question_mark():
    said = run(
        """
m = Series([1.0])
view = memoryview(m)
print(refused(lambda: m.append(2)))
""",
        file="\udcff.py",
    )
    assert said == [resize("1 writable view is alive", ", taken at ?:2 in <module>")]


def test_a_refusal_by_a_guard_names_its_line():
    said = run(
        """
m = Series([1.0])
for kind in "read", "share", "write":
    m.call_under(kind, lambda: print(refused(lambda: m.append(2))))
m.call_under("read", lambda: m.call_under("read", lambda: print(refused(lambda: m.append(2)))))
m.call_under("read", lambda: print(refused(lambda: edges.request(m, 1))))
""",
        traced=False,
    )
    again = "try again when the call or thread that holds it has ended"
    patterns = [
        rf"cannot resize: 1 read guard is alive in Rust, taken at \S*series\.rs:\d+:\d+; {again}",
        rf"cannot resize: 1 share guard is alive in Rust, taken at \S*series\.rs:\d+:\d+; {again}{SHARE}",
        rf"cannot resize: Rust is changing it \(a write guard is alive, taken at \S*series\.rs:\d+:\d+\); {again}",
        rf"cannot resize: 2 read guards are alive in Rust, most recently taken at \S*series\.rs:\d+:\d+; {again}",
        rf"cannot grant a writable view: 1 read guard is alive in Rust, taken at \S*series\.rs:\d+:\d+; {again}",
    ]
    assert len(said) == len(patterns)
    for line, pattern in zip(said, patterns):
        assert re.fullmatch(pattern, line), line


def test_views_from_before_tracing_are_counted():
    said = run(
        """
m = Series([1.0])
old = memoryview(m)
print(refused(lambda: m.append(2)))
edges.trace(True)
print(refused(lambda: m.append(2)))
new = memoryview(m)
print(refused(lambda: m.append(2)))
print([entry[:3] for entry in edges.holders(m)])
edges.trace(False)
print(refused(lambda: m.append(2)))
third = memoryview(m)
del new
edges.trace(True)
print(refused(lambda: m.append(2)))
del old, third
print(refused(lambda: m.append(2)), m.views())
n = Series([1.0])
first = memoryview(n)
print(refused(lambda: n.append(2)))
""",
        traced=False,
    )
    one = "1 writable view is alive"
    hint = "; set BUFFER_TRACE=1 to see where"
    assert said == [
        resize(one, "") + hint,
        resize(one, ", taken before tracing began"),
        resize("2 writable views are alive", ", taken at train.py:6 in <module> and before tracing began"),
        "[('writable view', '/home/me/train.py', 6), ('writable view', None, None)]",
        resize("2 writable views are alive", "") + hint,
        resize("2 writable views are alive", ", taken before tracing began"),
        "granted 0",
        resize(one, ", taken at train.py:18 in <module>"),
    ]


def test_a_cell_is_traced_from_its_first_slow_request_on():
    said = run(
        """
from pybuffer import FORMAT, FULL_RO, View, get_buffer, byref
def viewed():
    m = Series([1.0])
    memoryview(m).release()
    return m
def lines(m):
    return [line for _, _, line, *_ in edges.holders(m)]
m, n = viewed(), viewed()
again = View(m, FULL_RO)
again.release()
edges.trace(True)
early = memoryview(m)
print(lines(m))
early = memoryview(m)
print(lines(m))
n.append(2)
views = memoryview(n), memoryview(n)
print(lines(n))
del early, views
# A `Py_buffer` that an earlier view has left is used again, and refused.
print(refused(lambda: get_buffer(m, byref(again._buffer), FORMAT))[:12], lines(m))
edges.trace(False)
views = memoryview(n), memoryview(n)
print(lines(n))
""",
        traced=False,
        before=f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n",
    )
    assert said == ["[None]", "[14]", "[17, 17]", "PyBUF_FORMAT []", "[None, None]"]


def test_views_of_parts_properties_and_subclasses_are_traced():
    said = run("""
class Sub(Series):
    pass
m = edges.Several()
whole = layouts.Whole(bytes(96), 4)
sub = Sub([1.0])
views = [memoryview(m.matrix), memoryview(m.column(1)), memoryview(m.rows), memoryview(m.dyn), memoryview(m.pinned)]
print(refused(m.grow_cells))
print([(entry["line"], entry["access"]) for entry in m.column(0).holders()])
row = np.asarray(whole.row(1))
print(refused(lambda: whole.replace(b"")))
view = memoryview(sub)
print(refused(lambda: sub.append(1)))
print([value.holders()[0]["line"] for value in (m.rows, m.dyn, m.pinned)])
del views, row, view
print(refused(m.grow_cells), whole.views(), sub.views(), m.values.views, m.dyn.holders())
""")
    assert said == [
        resize("2 writable views are alive", ", taken at train.py:6 in <module>"),
        "[(6, 'writable view'), (6, 'writable view')]",
        resize("1 writable view is alive", ", taken at train.py:9 in <module>"),
        resize("1 writable view is alive", ", taken at train.py:11 in <module>"),
        "[6, 6, 6]",
        "granted 0 0 0 []",
    ]
