"""Tracing: `holders()` lists what is alive, and where and by which thread it was taken."""

from pathlib import Path

from traced import run


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


def test_stable_views_and_guards_are_told_apart():
    script = r"""
import re
from pybuffer import FULL_RO, STABLE, View
m = Series([1.0])
stable = View(m, FULL_RO | STABLE)
view = memoryview(m)
def show():
    print(*[f"{access} of {function}" for access, _, _, function, *_ in edges.holders(m)], sep=", ")
m.call_under("read", show)
text = refused(lambda: m.append(2))
print(re.sub(r":\d+", "", text.partition(";")[0]), "BUFFER_TRACE" in text)
stable.release()
show()
"""
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    assert run(script, before=path) == [
        "read-only view of <module>, stable view of __init__, read guard of None",
        "cannot resize: 1 stable view is alive, taken at pybuffer.py in __init__ False",
        "read-only view of <module>",
    ]
    assert run(script, before=path, traced=False) == [
        "read-only view of None, stable view of None, read guard of None",
        "cannot resize: 1 stable view is alive True",
        "read-only view of None",
    ]


def test_threads_are_named():
    said = run("""
m = Series([1.0])
views = []
def take():
    views.append(memoryview(m))
    views.append(memoryview(m))
for name in "reader", "écrivain":
    ended(started(take, name=name))
before = threading.enumerate()
take()
print(sorted(entry[4] for entry in edges.holders(m)))
print(threading.enumerate() == before)
threading.current_thread().name = "renamed"
take()
print(edges.holders(m)[0][4])
import _thread
done = threading.Event()
_thread.start_new_thread(lambda: (take(), done.set()), ())
done.wait()
print([entry[4] for entry in edges.holders(m)][:2])
views.clear()
for index in range(3000):
    ended(started(take, name=f"thread {index}"))
    if index % 3 == 0:
        views.clear()
print(sorted({entry[4] for entry in edges.holders(m)}))
""")
    assert said == [
        "['MainThread', 'MainThread', 'reader', 'reader', 'écrivain', 'écrivain']",
        "True",
        "MainThread",
        "[None, None]",
        "['thread 2998', 'thread 2999']",
    ]
