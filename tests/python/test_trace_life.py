"""Tracing: the recorded places through the life of views, cells, threads and interpreters."""

import os
import sys

import pytest
from traced import resize, run


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
import sys
def shared():
    names = take.__code__.co_filename, take.__code__.co_name
    return [sys.getrefcount(thing) for thing in (*names, threading, threading._active)]
def work():
    threads.append(weakref.ref(threading.current_thread()))
    take()
threads = []
before = shared()
ended(started(work, 10))
print([now - then for now, then in zip(shared(), before)], [thread() for thread in threads if thread()])
""")
    assert said == [
        "True " + resize("1 writable view is alive", ", taken at train.py:7 in take"),
        "True",
        "True",
        "True " + resize("1 writable view is alive", ", taken at other.py:1 in <module>"),
        "[0, 0, 0, 0] []",
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
ended(started(work, 4))
print(wrong[:1], edges.holders(m), m.views())
""")
    assert said == ["[] [] 0"]


def test_code_that_runs_while_a_place_is_recorded_may_take_views():
    said = run("""
m = Series([1.0])
inner, depth = [], [0]
class Thread(threading.Thread):
    @property
    def name(self):
        depth.append(depth[-1] + 1)
        inner.append(memoryview(m))
        depth.append(depth[-1] - 1)
        raise KeyError
    @name.setter
    def name(self, value):
        pass
views = []
thread = Thread(target=lambda: views.append(memoryview(m)))
thread.start()
thread.join()
print(len(inner) >= 1, max(depth), [entry[4] for entry in edges.holders(m)] == [None] * m.views())
del views, inner[:]
print(m.views())
""")
    assert said == ["True 1 True", "0"]


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
def test_a_forked_child_has_the_places_of_its_views():
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
threads = started(churn, 3)
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
ended(threads)
print("end")
""",
        before="import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n",
    )
    assert said == ["end"]
