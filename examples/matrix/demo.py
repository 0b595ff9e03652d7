"""numpy uses Rust's memory: the session of Cython's user guide, and then one gibibyte viewed in microseconds.

Run it with `cargo xtask demo`, or with any Python that has numpy and matrix installed. Each line that starts with
`>>>` is run as shown.
"""

import os
import platform
import sys
import time

try:
    import matrix
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask demo` builds what the demo needs and runs it")

MIB = 2**20
GIB = 2**30


def main():
    print(f"Python {platform.python_version()}, numpy {np.__version__}, and a matrix whose memory is Rust's.")
    session()
    one_gibibyte()


def session():
    run = Session(Matrix=matrix.Matrix, np=np)

    title("A matrix in Rust, an array in numpy")
    say("The matrix grows by rows; its memory is a Vec<f32>.")
    run("m = Matrix(10)")
    run("m.add_row()")
    run("m.add_row()")
    say("numpy shows that memory. Nothing is copied: a change made here is a change made there.")
    run("a = np.asarray(m)")
    run("a.shape, a.dtype")
    run("a[1] = 3.0")
    run("a")
    run("np.shares_memory(a, memoryview(m))")

    title("Rust does not move what numpy shows")
    say("With another row, the matrix might move to another place, and `a` would still point to the old one.")
    say("So the row is refused:")
    run("m.add_row()")
    say("The refusal changes nothing: the array is as valid as before.")
    run("a[1, 9], len(m)")

    title("Release, grow, view again")
    run("del a")
    run("m.add_row()")
    run("a = np.asarray(m)")
    run("a")


def one_gibibyte():
    wanted = GIB
    size = affordable(wanted)
    title(f"A view of {in_units(size)} takes microseconds")
    if size < wanted:
        say(f"(Two of {in_units(wanted)} do not fit into the memory that is free here, so the matrix is smaller.)")

    run = Session(Matrix=matrix.Matrix, np=np)
    run(f"m = Matrix(1024, nrows={size // (4 * 1024)})")
    run("np.asarray(m)[:] = 1.0    # now every byte of it is in use")
    m = run.names["m"]
    print()
    row("", "takes", "memory of this process")
    row("before", "", in_use())
    row("np.asarray(m)", *measured(np.asarray, m))
    row("np.array(m), a copy", *measured(np.array, m))
    print()
    best = min(seconds(np.asarray, m)[0] for _ in range(1000))
    say(f"The fastest of a thousand calls of np.asarray(m) took {in_words(best)}.")


class Session:
    """Runs lines of Python and prints them with their results, as the interactive interpreter would."""

    def __init__(self, **names):
        self.names = names

    def __call__(self, line):
        print(f"   >>> {line}")
        try:
            # Unlike the interactive interpreter, this keeps no result in `_`: it would be one more view.
            try:
                code = compile(line, "<demo>", "eval")
            except SyntaxError:
                exec(line, self.names)
            else:
                result = eval(code, self.names)
                if result is not None:
                    print("   " + repr(result).replace("\n", "\n   "))
        except BufferError as error:
            print(f"   BufferError: {error}")


def title(text):
    print(f"\n{text}\n{'-' * len(text)}")


def say(text):
    print(text)


def row(what, time_taken, memory):
    print(f"   {what:19}  {time_taken:>17}   {memory}")


def measured(make, m):
    """The time to make an array of the matrix, and the memory of the process while the array is alive."""
    try:
        taken, array = seconds(make, m)
    except MemoryError:
        return "out of memory", ""
    memory = in_use()
    del array
    return in_words(taken), memory


def seconds(make, m):
    begun = time.perf_counter()
    array = make(m)
    return time.perf_counter() - begun, array


def in_words(seconds):
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} microseconds"
    return f"{seconds * 1e3:.0f} milliseconds"


def in_units(size):
    return f"{size / GIB:.0f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def affordable(size):
    """The size, halved until the matrix and a copy of it fit into the free memory."""
    free = free_memory()
    while size > MIB and not fits(2 * size, free):
        size //= 2
    return size


def fits(size, free):
    try:
        # This memory is never accessed, so only a limit of the process can refuse it.
        matrix.Matrix(1, nrows=size // 4)
    except MemoryError:
        return False
    return free is None or size <= free


def free_memory():
    """Bytes available without swapping, within the limits of a container. None if the system does not report them."""
    limits = []
    for line in lines_of("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            limits.append(int(line.split()[1]) * 1024)
    for limit, used in [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ]:
        numbers = [int(line) for path in (limit, used) for line in lines_of(path) if line.strip().isdigit()]
        if len(numbers) == 2:
            limits.append(max(0, numbers[0] - numbers[1]))
    return min(limits, default=None)


def in_use():
    """The resident memory of this process, if the system reports it."""
    for line in lines_of("/proc/self/statm"):
        pages = int(line.split()[1])
        return f"{pages * os.sysconf('SC_PAGE_SIZE') / MIB:,.1f} MiB"
    return "(this system does not say)"


def lines_of(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.readlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
