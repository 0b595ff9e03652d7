"""The functions that other processes run: they import this module, and get objects."""

import numpy as np


def total_and_grown(thing):
    """The sum of the items, and the object with another row."""
    total = float(np.asarray(thing).sum())
    thing.add_row()
    return total, thing


def put(queue, thing):
    queue.put(total_and_grown(thing))
