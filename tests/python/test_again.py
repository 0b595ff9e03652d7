"""Views after views: a later view reuses the layout of an earlier one only if everything is still the same."""

import gc
import itertools
import random
import sys
import threading

import numpy as np
import pytest
from buffer_tests_ext.edges import Careless, Plain, Several, Varying, VaryingPart, Window
from pybuffer import FULL, FULL_RO, SIMPLE, View, ask
from test_requests import answers, described, differences

CONTENT = bytes(range(48))


def declarations(seed):
    """Layouts over 48 bytes: of several ranks, formats, strides, offsets and access. Each has a close relative."""
    chance = random.Random(seed)
    formats = {"B": 1, "b": 1, "H": 2, ">H": 2, "<H": 2, "=h": 2, "f": 4, "I": 4, "T{H:a:H:b:}": 4, "d": 8}
    while True:
        code, itemsize = chance.choice(list(formats.items()))
        ndim = chance.randrange(6)
        shape = [chance.randrange(1, 3) for _ in range(ndim)]
        strides = [chance.choice([itemsize, 2 * itemsize, -itemsize, 0]) for _ in range(ndim)]
        least = sum(min(0, stride * (extent - 1)) for extent, stride in zip(shape, strides))
        offset = -least + itemsize * chance.randrange(2)
        declared = (shape, strides, offset, code, chance.random() < 0.2)
        yield declared
        part = chance.randrange(5)
        other = next_to(declared, part, formats)
        if other:
            yield other
        yield declared


def next_to(declared, part, formats):
    shape, strides, offset, code, readonly = declared
    if part == 0 and shape:
        return [3 - shape[0], *shape[1:]], strides, offset, code, readonly
    if part == 1 and strides:
        return shape, [0, *strides[1:]], offset, code, readonly
    if part == 2:
        return shape, strides, offset + formats[code], code, readonly
    if part == 3:
        same = [other for other, size in formats.items() if size == formats[code]]
        return shape, strides, offset, same[(same.index(code) + 1) % len(same)], readonly
    return shape, strides, offset, code, not readonly


MAKE = {"cell": lambda: Varying(CONTENT), "part": lambda: VaryingPart(Plain(CONTENT))}


@pytest.mark.parametrize("kind", MAKE)
def test_a_varying_layout_equals_that_of_a_fresh_object(kind):
    viewed = MAKE[kind]()
    for declared in itertools.islice(declarations(seed=3), 600):
        fresh = MAKE[kind]()
        for m in (viewed, fresh):
            m.tell(*declared)
        # `viewed` answers twice, without a change in between.
        ours, again, expected = (described(answers(m)) for m in (viewed, viewed, fresh))
        assert differences(ours, expected) == {}, declared
        assert differences(again, expected) == {}, declared


@pytest.mark.parametrize("kind", MAKE)
def test_a_layout_is_evaluated_once_a_first_view(kind):
    m = MAKE[kind]()
    for count, declared in enumerate(itertools.islice(declarations(seed=4), 200), 1):
        m.tell(*declared)
        before = m.evaluations()
        answer = ask(m, FULL_RO)
        # A declaration that does not fit is evaluated again if the memory might have changed meanwhile.
        assert m.evaluations() - before == 1 or answer is None, count


def test_a_varying_layout_follows_moved_memory():
    m = Varying(CONTENT)
    m.tell([4], [4], 8, "I", False)
    for content in (CONTENT, CONTENT[::-1], CONTENT + CONTENT, CONTENT[:24], CONTENT):
        m.replace(content)
        for _ in range(2):
            assert np.asarray(m).tolist() == np.frombuffer(content, np.uint32)[2:6].tolist()
    m.replace(CONTENT[:23])
    with pytest.raises(BufferError, match="23 bytes"):
        memoryview(m)
    assert m.views() == 0


def windows(whole):
    """Parts of ten bytes from the fourth on: by fields, by expressions, and chosen by a method."""
    told = VaryingPart(whole)
    told.tell([10], [1], 4, "B", False)
    return {"fields": Window(whole, 10, 4), "told": told}


@pytest.mark.parametrize("kind", windows(Plain(CONTENT)))
def test_a_part_follows_moved_memory(kind):
    whole = Plain(CONTENT)
    part = windows(whole)[kind]
    for content in (CONTENT, CONTENT[::-1], CONTENT + CONTENT, CONTENT[:14], CONTENT):
        whole.replace(content)
        for _ in range(2):
            assert bytes(part) == content[4:14]
            with memoryview(part) as view:
                view[0] ^= 0xFF
                assert bytes(whole)[4] == content[4] ^ 0xFF
                view[0] ^= 0xFF
    whole.replace(CONTENT[:13])
    with pytest.raises(BufferError, match="13 bytes"):
        memoryview(part)
    # A refused request holds no view of the whole.
    assert ask(part, FULL_RO) is None
    assert whole.views() == 0


def test_a_chosen_part_follows_moved_memory():
    several = Several()
    part = several.first_values(2)
    values = list(several.values)
    for _ in range(3):
        assert list(part) == values[:2] == list(part)
        several.grow_values()
    several.shrink_values()
    with pytest.raises(BufferError, match="0 bytes"):
        memoryview(part)


def test_a_part_turns_to_other_numbers_and_other_wholes():
    wholes = [Plain(CONTENT), Plain(CONTENT[::-1]), Plain(CONTENT[:30])]
    window = Window(wholes[0], 4, 0)
    chance = random.Random(5)
    for _ in range(500):
        whole, length, offset = chance.choice(wholes), chance.randrange(1, 8), chance.randrange(8)
        window.turn_to(whole, length, offset)
        for _ in range(2):
            assert bytes(window) == bytes(whole)[offset : offset + length]
    assert [whole.views() for whole in wholes] == [0, 0, 0]


def test_a_part_at_the_address_of_a_dead_one_shows_its_own_items():
    """Objects die, and others take their addresses."""
    whole = Plain(CONTENT)
    chance = random.Random(6)
    addresses = set()
    for _ in range(1000):
        length, offset = chance.randrange(1, 8), chance.randrange(8)
        window = Window(whole, length, offset)
        addresses.add(id(window))
        for _ in range(2):
            assert bytes(window) == CONTENT[offset : offset + length]
    assert len(addresses) < 1000
    # The wholes die as well.
    for index in range(200):
        content = CONTENT[index % 7 :]
        window = Window(Plain(content), 5, index % 3)
        for _ in range(2):
            assert bytes(window) == content[index % 3 :][:5]


def test_many_views_of_a_part_at_once():
    whole = Plain(CONTENT)
    parts = [*windows(whole).values(), Window(whole, 3, 1)]
    expected = [CONTENT[4:14], CONTENT[4:14], CONTENT[1:4]]
    chance = random.Random(7)
    held = []
    for _ in range(2000):
        if held and chance.random() < 0.5:
            view, content = held.pop(chance.randrange(len(held)))
            assert view.answer().content == content
            view.release()
        else:
            index = chance.randrange(len(parts))
            held.append((View(parts[index], chance.choice([FULL, FULL_RO, SIMPLE])), expected[index]))
        assert whole.views() == len(held)
    for view, content in held:
        assert view.answer().content == content
        view.release()
    assert whole.views() == 0


@pytest.mark.parametrize("kind", windows(Plain(CONTENT)))
def test_a_part_is_read_only_while_the_whole_is_read(kind):
    whole = Plain(CONTENT)
    part = windows(whole)[kind]

    def look():
        for _ in range(2):
            assert ask(part, FULL_RO).readonly
            assert ask(part, FULL) is None

    for _ in range(2):
        for _ in range(2):
            assert not ask(part, FULL_RO).readonly
        whole.while_reading(look)
    assert not ask(part, FULL).readonly
    assert whole.views() == 0


def test_a_part_of_pinned_memory_pins_it():
    several = Several()
    part = Several.part_of(several.pinned, 0, 1)
    for _ in range(3):
        memoryview(part).release()
    with pytest.raises(BufferError, match="pinned"):
        several.grow_pinned()


def test_an_exception_that_a_granting_shape_leaves_is_cleared():
    m = Careless(CONTENT)
    for _ in range(3):
        with memoryview(m) as view:
            assert view.shape == (24, 2)


@pytest.mark.parametrize("kind", [*MAKE, "fields"])
def test_views_on_two_threads_at_once(kind):
    whole = Plain(CONTENT)
    m = Window(whole, 4, 2) if kind == "fields" else MAKE[kind]()
    if kind != "fields":
        m.tell([4], [1], 2, "B", False)
    failures = []
    start = threading.Barrier(3)

    def view():
        start.wait()
        for _ in range(2000):
            with memoryview(m) as shown:
                if shown.tolist() != [2, 3, 4, 5]:
                    failures.append(shown.tolist())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=view) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failures == []


@pytest.mark.parametrize("kind", [*MAKE, "fields"])
def test_views_leave_no_memory(kind):
    """Many views of parts, which end in any order. The memory that they leave is limited, and other views free it."""
    whole = Plain(CONTENT)
    blocks = []
    for _ in range(2):
        parts = [Window(whole, 4, 2) for _ in range(50)] if kind == "fields" else [MAKE[kind]() for _ in range(50)]
        held = [View(part, FULL_RO) for part in parts for _ in range(3)]
        random.Random(8).shuffle(held)
        for view in held:
            view.release()
        del parts, held
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert blocks[1] - blocks[0] < 100
    assert whole.views() == 0
