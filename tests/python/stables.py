"""Values and errors that tests of stable views share."""

import threading

from buffer_tests_ext.edges import Series

VALUES = [1.0, 2.0, 3.0]
ALIVE = "1 stable view is alive; release or delete every view first"


def under(m, kind):
    """A context in which another thread holds a Rust guard."""

    class Guard:
        def __enter__(self):
            begun = threading.Event()
            self.thread = threading.Thread(target=m.hold_until_stopped, args=(kind, begun.set))
            self.thread.start()
            assert begun.wait(10)

        def __exit__(self, *exception):
            m.stop()
            self.thread.join()

    return Guard()


class Plain(Series):
    __slots__ = ()
