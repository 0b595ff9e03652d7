"""Formats that are fields of a class: read without running code, and parsed only when they have changed."""

import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, Telling, Written, WrittenPart

RECORD = "T{<H:first:<H:second:}"


def shown(exporter):
    with memoryview(exporter) as view:
        return view.format, view.itemsize, view.shape, view.readonly


def test_each_view_shows_what_the_fields_are_then():
    written = Written(bytes(8), "H")
    assert shown(written) == ("H", 2, (4, 1), False)
    for format, itemsize in [(">H", 2), ("H", 2), ("I", 4), (RECORD, 4), (RECORD[:-1] + "}", 4), ("B", 1), ("BB", 2)]:
        written.format = format
        for _ in range(3):
            assert shown(written) == (format, itemsize, (8 // itemsize, 1), False)
    written.columns = 2
    assert shown(written) == ("BB", 2, (2, 2), False)
    written.sealed = True
    assert shown(written) == ("BB", 2, (2, 2), True)
    written.replace(bytes(12))
    assert shown(written) == ("BB", 2, (3, 2), True)


@pytest.mark.parametrize("wrong", ["", "y", "T{H", "H\0", "H ", "HH", "\0"])
def test_a_text_that_resembles_the_last_one_is_another(wrong):
    written = Written(bytes(4), "H")
    assert shown(written) == ("H", 2, (2, 1), False)
    written.format = wrong
    if wrong in ("HH", "H "):
        assert shown(written)[0] == wrong
    else:
        with pytest.raises(BufferError):
            memoryview(written)
    written.format = "H"
    assert shown(written) == ("H", 2, (2, 1), False)


@pytest.mark.parametrize("exporter", [Written, WrittenPart])
def test_a_text_that_is_no_format_is_refused_with_its_mistake(exporter):
    written = exporter(bytes(4), "iiy")
    for _ in range(2):
        with pytest.raises(BufferError, match="unknown code 'y' at byte 2 of \"iiy\""):
            memoryview(written)
    written.format = "H"
    assert shown(written)[:2] == ("H", 2)
    written.format = "ü"
    with pytest.raises(BufferError, match="cannot grant a view"):
        memoryview(written)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("orphans", [False, True])
def test_a_view_beside_others_needs_no_format(sealed, orphans):
    written = Written(bytes(8), "H")
    written.sealed = sealed
    with memoryview(written):
        written.format = "y"
        if orphans:
            owner = Owner([1])
            last = memoryview(owner)
            edges.part(owner).drop_detached()
        assert shown(written) == ("H", 2, (4, 1), sealed)
        if orphans:
            last.release()
        assert shown(written.first(2)) == ("H", 2, (2, 1), sealed)
    for view in (memoryview, lambda written: written.first(2)):
        with pytest.raises(BufferError, match="unknown code 'y'"):
            view(written)


def test_a_part_shows_what_its_field_is_then():
    part = WrittenPart(bytes(8), "H")
    for format, itemsize in [("H", 2), ("I", 4), (RECORD, 4), ("H", 2)]:
        part.format = format
        for _ in range(2):
            assert shown(part) == (format, itemsize, (8 // itemsize,), False)


def test_a_text_by_the_users_code_is_read_outside_the_lock():
    seen = []

    def ask():
        seen.append(telling.views())
        return 2

    telling = Telling(ask, bytes(4))
    for _ in range(3):
        assert shown(telling)[:2] == ("H", 2)
    # No view is counted while the code runs.
    assert seen
    assert set(seen) == {0}
    asked = []

    def raises():
        if not asked:
            asked.append(1)
            memoryview(telling).release()
        return 1

    telling = Telling(raises, bytes(4))
    assert shown(telling)[:2] == ("B", 1)
