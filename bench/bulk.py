"""Bulk speed: how fast the guards and views of this project, and numpy, read and change every element of an array."""

import statistics
import time

import peers


def compare_bulk(seconds):
    """Prints how fast `Shared::update`, `Shared::for_each_chunk` and numpy change every element in place."""
    print("\nMultiplying float32 in place while a view is held, gigabytes a second, and as a multiple of numpy's")
    try:
        import numpy
    except ImportError:
        print("  numpy is missing: nothing to compare with")
        return
    ours = peers.load(peers.OURS)
    row("elements", ["numpy", "update, numpy", "for_each_chunk, numpy"])
    for exponent in range(3, 8):
        matrix = ours.Matrix(1, 10**exponent)
        array = numpy.asarray(matrix)
        array[:] = 1.5
        # Multiplying by -1 changes every element, so all are stored, and none grows, so the speed stays the same.
        factor = numpy.float32(-1.0)
        contestants = {
            "ours": lambda matrix=matrix: matrix.scale(-1.0),
            "chunks": lambda matrix=matrix: matrix.scale_chunks(-1.0),
            "numpy": lambda array=array, factor=factor: numpy.multiply(array, factor, out=array),
        }
        speed = {name: 8e-9 * 10**exponent / took for name, took in fastest(contestants, seconds).items()}
        cells = [f"{speed['numpy']:.1f}"]
        cells += [f"{speed[way]:.1f}  {speed[way] / speed['numpy']:5.2f}" for way in ("ours", "chunks")]
        row(f"{10**exponent:,}", cells)


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
    print(f"  {label:<24}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
