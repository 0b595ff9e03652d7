import numpy as np
import pytest
from NAME import Matrix


def test_numpy_shows_the_memory_of_rust() -> None:
    m = Matrix(3)
    m.add_row()
    m.add_row()
    a = np.asarray(m)
    a[1] = 7
    assert np.array(m).tolist() == [[0, 0, 0], [7, 7, 7]]


def test_the_memory_stays_while_numpy_shows_it() -> None:
    m = Matrix(3)
    a = np.asarray(m)
    with pytest.raises(BufferError, match="1 writable view is alive"):
        m.add_row()
    del a
    m.add_row()
    assert np.asarray(m).shape == (1, 3)
