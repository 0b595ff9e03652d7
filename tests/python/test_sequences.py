"""Random sequences of what safe code may do to owners, cells and views, compared with a model."""

import random

import numpy as np
import pytest
from buffer_tests_ext import edges
from buffer_tests_ext.edges import Owner, ReadOnlyOwner, TableOwner, Tally

PyBUF_FULL_RO = 0x11C

STEPS = 400


class Cell:
    """The model of a cell: its values, its number of views, the class of their layout, and whether it has an owner."""

    def __init__(self, values):
        self.values, self.tally = values, Tally()
        self.views, self.layout, self.owned = 0, None, True

    def check(self):
        assert self.tally.drops == (0 if self.owned or self.views else 1)


class Object:
    """The model of an object. An object lives as long as it has a name or a view that was requested from it."""

    def __init__(self, make, cell):
        self.named, self.viewers, self.cell, self.make = make(cell.values, cell.tally), 0, cell, make

    def forget(self):
        if self.named is None and self.viewers == 0:
            self.cell.owned = False


class View:
    def __init__(self, granted, parent):
        self.granted, self.object, self.cell = granted, parent, parent.cell
        self.values = list(parent.cell.values)

    def shown(self):
        return np.frombuffer(self.granted.tobytes(), np.int32).tolist()


class World:
    def __init__(self, seed):
        self.choose = random.Random(seed)
        self.numbers = iter(range(10**6))
        self.cells, self.objects, self.parted, self.views = [], [], [], []

    def new_cell(self):
        self.cells.append(Cell([next(self.numbers) for _ in range(2 * self.choose.randrange(1, 4))]))
        return self.cells[-1]

    def some_object(self):
        return self.choose.choice(self.objects)

    def create(self):
        self.objects.append(Object(self.choose.choice([Owner, ReadOnlyOwner, TableOwner]), self.new_cell()))

    def view(self):
        parent = self.some_object()
        cell = parent.cell
        consume = self.choose.choice([memoryview, np.asarray, lambda m: edges.request(m, PyBUF_FULL_RO)])
        if cell.views and cell.layout is not parent.make:
            with pytest.raises(BufferError, match="viewed through an object of another class, or another field"):
                consume(parent.named)
            return
        self.views.append(View(consume(parent.named), parent))
        cell.views, cell.layout = cell.views + 1, parent.make
        parent.viewers += 1

    def release(self):
        if self.views:
            view = self.views.pop(self.choose.randrange(len(self.views)))
            view.granted = None
            view.cell.views -= 1
            view.object.viewers -= 1
            view.object.forget()

    def swap(self):
        one, other = self.choose.sample(self.objects, 2)
        edges.swap(one.named, other.named)
        one.cell, other.cell = other.cell, one.cell

    def replace(self):
        target, cell = self.some_object(), Cell([next(self.numbers), 0])
        edges.replace(target.named, cell.values)
        target.cell.owned = False
        target.cell = cell

    def part(self):
        target = self.some_object()
        self.parted.append((edges.part(target.named), target.cell))
        target.cell = Cell([])

    def drop_parted(self):
        if self.parted:
            parted, cell = self.parted.pop(self.choose.randrange(len(self.parted)))
            end = self.choose.choice(["drop_here", "drop_detached", "drop_on_joined_thread"])
            getattr(parted, end)()
            cell.owned = False

    def grow(self):
        target = self.some_object()
        self.try_to_grow(target.cell, lambda number: edges.grow(target.named, number))

    def grow_parted(self):
        if self.parted:
            parted, cell = self.choose.choice(self.parted)
            self.try_to_grow(cell, parted.grow)

    def try_to_grow(self, cell, grow):
        for number in (next(self.numbers), next(self.numbers)):
            if cell.views:
                with pytest.raises(BufferError, match=f"^cannot resize: {cell.views} "):
                    grow(number)
            else:
                grow(number)
                cell.values.append(number)

    def forget(self, keep=0):
        if len(self.objects) > keep:
            gone = self.objects.pop(self.choose.randrange(len(self.objects)))
            gone.named = None
            gone.forget()

    def step(self):
        steps = (
            [self.view] * 4
            + [self.release] * 4
            + [self.create, lambda: self.forget(keep=3), self.swap, self.replace, self.part]
        )
        steps += [self.drop_parted, self.grow, self.grow_parted]
        self.choose.choice(steps)()

    def check(self):
        for cell in self.cells:
            cell.check()
        for alive in self.objects:
            assert alive.named.views() == alive.cell.views
        for parted, cell in self.parted:
            assert parted.views() == cell.views
        for view in self.views:
            assert view.shown() == view.values


@pytest.mark.parametrize("seed", range(12))
def test_every_sequence_agrees_with_the_model(seed):
    world = World(seed)
    for _ in range(4):
        world.create()
    for _ in range(STEPS):
        world.step()
        world.check()
    while world.views:
        world.release()
        world.check()
    while world.parted:
        world.drop_parted()
        world.check()
    while world.objects:
        world.forget()
        world.check()
    assert all(cell.tally.drops == 1 for cell in world.cells)
