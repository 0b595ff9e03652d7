"""Two columns of one object, which numpy shows without a copy.

Run it with any Python that has table and numpy installed; `cargo xtask develop` installs them into `.venv`.
"""

import sys

try:
    import numpy as np
    from table import Table
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask develop` installs what the demo needs into `.venv`")


def main():
    table = Table()
    for second in range(1000):
        table.append(second, np.sin(second / 100))
    print(table, table.time, table.value, sep="\n")

    last = table.rows(900, 1000)
    values = np.asarray(last.value)
    values[values < 0] = 0
    print("after clipping the last 100 values, the smallest of all is", np.asarray(table.value).min().round(3))

    try:
        table.append(1000, 0.0)
    except BufferError as error:
        print("append:", error)
    del values
    table.append(1000, 0.0)
    print(table)


if __name__ == "__main__":
    main()
