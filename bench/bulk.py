"""Bulk speed: how fast the guards and views of this project read, change and copy all items of an array, as a multiple
of numpy's speed or that of `memcpy`.

Both sides take turns in one process, on the same memory. A ratio is the median of the ratios of all turns. An array is
in the second-level cache, or far larger than all caches.
"""

import statistics
import time
from typing import Callable, NamedTuple

import peers

# The lowest ratios that are allowed. A path without one is shown only for comparison.
NUMPY, MEMCPY, CHUNKS, CONVERTED = 0.9, 0.9, 0.8, 0.8

SMALL, LARGE = 1 << 16, 1 << 28


class Path(NamedTuple):
    """One way through the memory, and the one with which it is compared."""

    name: str
    ours: Callable
    theirs: Callable
    budget: "float | None" = None


def compare_bulk(seconds):
    """Prints the ratio of each path, with its budget. Returns whether all are within."""
    print("\nBulk access, as a multiple of the speed of numpy (or of memcpy, for the copies of `Shared`)")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return True
    ours = peers.load(peers.ACCESS)
    sizes = {"64 KiB": SMALL, "256 MiB": LARGE if enough_memory(4 * LARGE) else LARGE // 4}
    if sizes["256 MiB"] < LARGE:
        print("  there is little memory: what follows has 64 MiB instead of 256 MiB")
    row("", [*sizes, "budget"])
    within = True
    for title, paths in SECTIONS.items():
        print(f"  {title}")
        columns = [[(path, ratio(path, seconds)) for path in paths(numpy, ours, size)] for size in sizes.values()]
        for small, large in zip(*columns):
            ratios, budget = [small[1], large[1]], small[0].budget
            over = budget is not None and min(ratios) < budget
            within = within and not over
            verdict = "" if budget is None else f"{budget:.2f}{'  UNDER' if over else ''}"
            row("  " + small[0].name, [*(f"{ratio:.2f}" for ratio in ratios), verdict])
    return within


def ratio(path, seconds):
    """How many times as fast as the other side ours is: the median of the turns."""
    once = time_of(path.theirs, 1)
    repeat = max(1, min(100, int(0.001 / max(once, 1e-7))))
    ratios = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(ratios) < 5:
        theirs, ours = time_of(path.theirs, repeat), time_of(path.ours, repeat)
        # The clock of the thread may stand still between two steps of the kernel's accounting.
        if ours > 0:
            ratios.append(theirs / ours)
    return statistics.median(ratios)


def time_of(call, repeat):
    """Seconds of this thread on a processor."""
    start = time.thread_time()
    for _ in range(repeat):
        call()
    return time.thread_time() - start


def enough_memory(bytes_needed):
    """Whether this much memory is free, as far as the system says."""
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":") for line in file)
        return int(fields["MemAvailable"].split()[0]) << 10 > bytes_needed
    except (OSError, KeyError):
        return True


# The paths


def changes(numpy, ours, size):
    paths = []
    for dtype, name in (("f4", "float32"), ("f8", "float64"), ("u1", "uint8")):
        array = numpy.full(size // numpy.dtype(dtype).itemsize, 3, dtype)

        def theirs(array=array):
            return numpy.negative(array, out=array)

        for way, budget in (("update", CHUNKS), ("for_each_chunk", CHUNKS)):
            call = getattr(ours, way)
            paths.append(Path(f"{way}, {name}", lambda a=array, d=dtype, f=call: f(a, d), theirs, budget))
    return paths


def sums(numpy, ours, size):
    paths = []

    def add(name, function, array, dtype, budget):
        kind = "f8" if dtype == "f8" else "i8"
        paths.append(Path(name, lambda: function(array, dtype), lambda: numpy.sum(array, dtype=kind), budget))

    for dtype, name in (("i4", "int32"), ("i8", "int64"), (">i4", "int32 swapped")):
        for layout, array in layouts(numpy, dtype, size).items():
            if layout == "transposed":
                add(f"{name}, {layout}, in memory order", ours.sum_in_memory_order, array, dtype, NUMPY)
                # One item of each cache line at a time; numpy reads in memory order.
                add(f"{name}, {layout}, in index order", ours.sum, array, dtype, None)
            else:
                add(f"{name}, {layout}", ours.sum, array, dtype, NUMPY)
    floats = numpy.ones(size // 8)
    # A sum in order waits for each addition; numpy adds in another order.
    add("float64, one after the other", ours.sum, floats, "f8", None)
    whole = numpy.ones(size // 4, "i4")
    paths.append(Path("int32, `for` loop", lambda: ours.sum_in_a_loop(whole), lambda: numpy.sum(whole), None))
    return paths


def copies(numpy, ours, size):
    paths = []
    for dtype, name in (("u1", "uint8"), ("f4", "float32"), ("f8", "float64"), (">f4", "float32 swapped")):
        for layout, array in layouts(numpy, dtype, size).items():
            paths.append(
                Path(
                    f"{name}, {layout}",
                    lambda a=array, d=dtype: ours.to_vec(a, d),
                    lambda a=array: a.copy("C"),
                    NUMPY,
                )
            )
    for layout, array in layouts(numpy, ">f4", size).items():
        paths.append(
            Path(
                f"float32 swapped to native, {layout}",
                lambda a=array: ours.to_native(a),
                lambda a=array: a.astype("f4", "C"),
                CONVERTED,
            )
        )
    return paths


def blocks(numpy, ours, size):
    array = numpy.ones(size, "u1")
    local = ours.Local(size)
    return [
        Path("copy_to_slice", lambda: local.copy_from(array), lambda: local.memcpy_from(array), MEMCPY),
        Path("copy_from_slice", lambda: local.copy_to(array), lambda: local.memcpy_to(array), MEMCPY),
    ]


def layouts(numpy, dtype, size):
    """Views of arrays of `size` bytes, by the name of their layout."""
    count = size // numpy.dtype(dtype).itemsize
    whole = (numpy.arange(count) % 100).astype(dtype)
    rows = 1 << (count.bit_length() // 2)
    square = whole.reshape(rows, count // rows)
    return {
        "contiguous": whole,
        "every other": whole[::2],
        "reversed": whole[::-1],
        "rows, every other column": square[:, ::2],
        "transposed": square.T,
    }


SECTIONS = {
    "Changing all items in place": changes,
    "The sum of all items by `iter`": sums,
    "Copies by `to_vec`": copies,
    "Copies of `Shared`": blocks,
}


def compare_consumer(seconds):
    """Prints how fast the functions of `examples/consume`, and numpy itself, read and change numpy's arrays."""
    print("\nComputing on contiguous arrays of numpy, nanoseconds an item, and as a multiple of numpy's speed")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return
    ours = peers.load(peers.CONSUMER)
    titles = ["sum of int32", "product of float64", "scaling of float64"]
    row("items", [f"{title}, numpy" for title in titles])
    for exponent in range(3, 8):
        count = 10**exponent
        whole, a, b = numpy.arange(count, dtype=numpy.int32), numpy.linspace(1, 2, count), numpy.linspace(2, 1, count)
        rounds = [
            {"ours": lambda x=whole: ours.sum_array(x), "numpy": lambda x=whole: int(numpy.sum(x))},
            {"ours": lambda x=a, y=b: ours.dot(x, y), "numpy": lambda x=a, y=b: numpy.dot(x, y)},
            {"ours": lambda x=a: ours.scale(x, -1.0), "numpy": lambda x=a: numpy.multiply(x, -1.0, out=x)},
        ]
        cells = []
        for contestants in rounds:
            took = {name: 1e9 * call / count for name, call in fastest(contestants, seconds).items()}
            cells.append(f"{took['ours']:.2f}  {took['numpy']:.2f}  {took['numpy'] / took['ours']:5.2f}")
        row(f"{count:,}", cells)


def fastest(contestants, seconds):
    """Seconds per call of each contestant: the median of calls made in turns."""
    samples = {name: [] for name in contestants}
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end or len(samples["ours"]) < 5:
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in samples.items()}


def row(label, cells):
    print(f"  {label:<42}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
