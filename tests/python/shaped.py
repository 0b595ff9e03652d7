"""A check of objects whose shape is an expression of the user's: `Shaped` and its like."""


def still_works(m, values):
    """Asserts that no view, guard or borrow was left behind."""
    assert m.views() == 0
    m.ask(lambda: 1)
    with memoryview(m) as view:
        assert view.tolist() == [values]
        assert m.views() == 1
    m.resize(len(values) + 1)
    m.resize(len(values))
    assert m.views() == 0
