"""Tracing: refusals and `holders()` say where in Python each view was taken.

The tests run in interpreters of their own, in which `BUFFER_TRACE` is set or `trace` is called, because other tests
compare what is said without tracing.
"""

import os
import re
import sys

import apart
import pytest

# Compiles the script with a file name of its own, so that line 1 is its first line.
PROLOGUE = """
import gc, threading, time, weakref
import numpy as np
from buffer_tests_ext import edges, layouts
from buffer_tests_ext.edges import Series

def refused(call):
    try:
        call()
    except BufferError as refusal:
        return str(refusal)
    return "granted"

SCRIPT = {script!r}
exec(compile(SCRIPT, {file!r}, "exec"))
"""

REMEDY = "release or delete every view first"
SHARE = ", or change values in place through `share`"


def run(script, file="/home/me/train.py", traced=True, before="", **options):
    """The lines that a script prints. The script's line 1 is the one after the quotes."""
    prologue = f"import os; os.environ['BUFFER_TRACE'] = {'1' if traced else '0'!r}\n{before}"
    script = script.removeprefix("\n")
    return apart.run(prologue + PROLOGUE.format(script=script, file=file), **options).splitlines()


def resize(what, taken, remedy=REMEDY + SHARE):
    return f"cannot resize: {what}{taken}; {remedy}"


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


def test_holders_lists_what_is_alive():
    said = run("""
m = edges.Several()
view = memoryview(m.values)
time.sleep(0.01)
array = np.asarray(m)
newer, older = m.values.holders()
print(newer["line"], older["line"], newer["file"], older["function"], older["access"], older["thread"])
print(0 <= newer["age"] < older["age"] < 60, older["age"] >= 0.01, sorted(older))
print(m.matrix.holders(), m.values.views)
view.release()
print([holder["line"] for holder in m.values.holders()])
del array
print(m.values.holders())
sealed = memoryview(m.sealed)
print(m.sealed.holders()[0]["access"])
""")
    assert said == [
        "4 2 /home/me/train.py <module> writable view MainThread",
        "True True ['access', 'age', 'file', 'function', 'line', 'thread']",
        "[] 2",
        "[4]",
        "[]",
        "read-only view",
    ]


def test_holders_in_rust_lists_views_and_guards():
    said = run("""
m = Series([1.0])
view = memoryview(m)
def show():
    for access, file, line, function, thread, age in edges.holders(m):
        print(access, file.rpartition("/")[2], line if function else "", function, thread, age is None)
m.call_under("share", show)
del view
m.call_under("write", show)
m.call_under("read", show)
m.close()
show()
""")
    assert said == [
        "writable view train.py 2 <module> MainThread False",
        "share guard series.rs  None None True",
        "write guard series.rs  None None True",
        "read guard series.rs  None None True",
    ]


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


def test_views_of_before_are_counted_as_such():
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


def test_views_may_end_in_any_order():
    said = run("""
import random
random.seed(7)
m, n = Series([1.0]), Series([2.0])
alive = []
for step in range(20_000):
    if alive and random.random() < 0.5:
        alive.pop(random.randrange(len(alive))).release()
    else:
        alive.append(memoryview(random.choice((m, n))))
counts = [m.views(), n.views()]
print(counts == [len(edges.holders(m)), len(edges.holders(n))], sum(counts) == len(alive))
print(all(entry[1] for entry in edges.holders(m) + edges.holders(n)))
random.shuffle(alive)
while alive:
    alive.pop().release()
print(edges.holders(m), edges.holders(n), m.views(), n.views())
""")
    assert said == ["True True", "True", "[] [] 0 0"]


def test_a_million_views_are_traced():
    said = run("""
import resource
m = Series([1.0])
views = [memoryview(m) for _ in range(100)]
def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = memory()
views = [memoryview(m) for _ in range(1_000_000)]
print((memory() - before) * 1024 / 1e6 < 900)
print(refused(lambda: m.append(2)))
views = views[:1]
print(len(edges.holders(m)))
del views
for _ in range(100_000):
    memoryview(m)
print(edges.holders(m), refused(lambda: m.append(2)))
""")
    name = "<module>" if sys.version_info >= (3, 12) else "<listcomp>"
    assert said == [
        "True",
        resize("1000000 writable views are alive", f", taken at train.py:7 in {name}"),
        "1",
        "[] granted",
    ]


def test_nothing_is_kept_alive():
    said = run("""
class Kept:
    pass
m = Series([1.0])
def take():
    kept = Kept()
    dead.append(weakref.ref(kept))
    return memoryview(m)
dead = []
view = take()
print(dead[0]() is None, refused(lambda: m.append(2)))
gone = weakref.ref(m)
del m
print(gone() is not None)
del view
print(gone() is None)
source = compile("view = memoryview(m)", "other.py", "exec")
codes = weakref.ref(source)
m = Series([1.0])
exec(source)
del source
gc.collect()
print(codes() is None, refused(lambda: m.append(2)))
""")
    assert said == [
        "True " + resize("1 writable view is alive", ", taken at train.py:7 in take"),
        "True",
        "True",
        "True " + resize("1 writable view is alive", ", taken at other.py:1 in <module>"),
    ]


def test_a_cell_may_die_before_its_views():
    said = run("""
tally = edges.Tally()
m, other = edges.Owner([1, 2], tally), edges.Owner([3])
view, array = memoryview(m), np.asarray(m)
edges.swap(m, other)
print(len(memoryview(m)), refused(lambda: edges.grow(other, 4)))
del other
gc.collect()
print(view.tolist(), tally.drops)
del m
view.release()
print(array.tolist(), tally.drops)
del array
print(tally.drops)
""")
    assert said == [
        "1 " + resize("2 writable views are alive", ", taken at train.py:3 in <module>"),
        "[1, 2] 0",
        "[1, 2] 0",
        "1",
    ]


def test_threads_are_named():
    said = run("""
m = Series([1.0])
views = []
def take():
    views.append(memoryview(m))
    views.append(memoryview(m))
threads = [threading.Thread(target=take, name=name) for name in ("reader", "écrivain")]
for thread in threads:
    thread.start()
    thread.join()
before = threading.enumerate()
take()
print(sorted(entry[4] for entry in edges.holders(m)))
print(threading.enumerate() == before)
import _thread
done = threading.Event()
_thread.start_new_thread(lambda: (take(), done.set()), ())
done.wait()
print([entry[4] for entry in edges.holders(m)][:2])
views.clear()
for index in range(3000):
    thread = threading.Thread(target=take, name=f"thread {index}")
    thread.start()
    thread.join()
    if index % 3 == 0:
        views.clear()
print(sorted({entry[4] for entry in edges.holders(m)}))
""")
    assert said == [
        "['MainThread', 'MainThread', 'reader', 'reader', 'écrivain', 'écrivain']",
        "True",
        "[None, None]",
        "['thread 2998', 'thread 2999']",
    ]


def test_threads_take_views_at_the_same_time():
    said = run("""
m = Series([1.0])
wrong = []
def work():
    for _ in range(300):
        views = [memoryview(m) for _ in range(10)]
        text = refused(lambda: m.append(2))
        if "taken at train.py:5 in" not in text and "taken at train.py:6 in" not in text:
            wrong.append(text)
        edges.holders(m)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(wrong[:1], edges.holders(m), m.views())
""")
    assert said == ["[] [] 0"]


def test_code_that_runs_while_a_note_is_taken_may_take_views():
    said = run("""
m = Series([1.0])
inner = []
class Thread(threading.Thread):
    @property
    def name(self):
        inner.append(memoryview(m))
        raise KeyError
    @name.setter
    def name(self, value):
        pass
views = []
thread = Thread(target=lambda: views.append(memoryview(m)))
thread.start()
thread.join()
print(len(inner) >= 1, [entry[4] for entry in edges.holders(m)] == [None] * m.views())
del views, inner[:]
print(m.views())
""")
    assert said == ["True True", "0"]


def test_an_exception_that_is_pending_stays():
    said = run("""
m = Series([1.0])
class Exit:
    def __enter__(self):
        return self
    def __exit__(self, kind, error, traceback):
        self.view = memoryview(m)
exit = Exit()
try:
    with exit:
        raise LookupError("mine")
except LookupError as error:
    print(error)
print(refused(lambda: m.append(2)))
""")
    assert said == ["mine", resize("1 writable view is alive", ", taken at train.py:6 in __exit__")]


def test_the_interpreter_exits_while_views_are_traced():
    said = run("""
import sys
m = Series([1.0])
sys.kept = [memoryview(m), np.asarray(m)]
class AtExit:
    def __del__(self):
        print(len(memoryview(m)))
sys.last = AtExit()
print("end")
""")
    assert said[0] == "end"


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="there is no fork here")
def test_views_are_traced_when_the_interpreter_has_lost_its_modules():
    """The last objects that it drops are the functions to call at a fork."""
    said = run("""
import os
class Last:
    def __init__(self):
        self.m, self.view, self.say = Series([1.0]), memoryview, os.write
    def __call__(self):
        pass
    def __del__(self):
        self.view(self.m)
        self.say(1, b"viewed")
os.register_at_fork(before=Last())
""")
    assert said == ["viewed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_knows_the_notes():
    said = run(
        """
import os, sys
m = Series([1.0])
view = memoryview(m)
def churn():
    while not stop:
        memoryview(m)
        refused(lambda: m.append(2))
stop = []
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        text = refused(lambda: m.append(2))
        other = memoryview(m)
        view.release()
        good = "train.py:3 in <module>" in text and len(edges.holders(m)) == m.views()
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
for thread in threads:
    thread.join()
print("end")
""",
        before="import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n",
    )
    assert said == ["end"]
