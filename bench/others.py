"""Other layouts, parts, scoped views, tensors, guards and `add_row`: what they cost, and their budgets."""

from typing import NamedTuple

import peers
from workload import Setting

MATRIX = "others.Matrix"
PART = "others.Part"
# The guards, in nanoseconds. Under callgrind they have no budget.
GUARDS = ("write", "read", "share")
GUARD_BUDGET = 10.0
# The peers whose `add_row` is compared with this project's.
GROWING = (peers.C, "cython_peer", "pyo3_by_hand", "pyo3_by_hand_frozen", peers.ORDINARY, peers.OURS)

# The rows of a matrix to which rows are appended within its capacity: more than are ever appended.
ROOM = 1 << 13


class Row(NamedTuple):
    label: str
    setting: Setting
    # The cost is at most this multiple (`budget`) of the cost of the yardstick.
    yardstick: Setting
    budget: float
    # The cost of the user's expressions, which is subtracted.
    apart: "Setting | None" = None
    # Whether the budget is for the time only, and not for instructions.
    only_time: bool = False


def rows(missing=()):
    """The rows, each with its budget. No row is for a peer that is missing."""
    c = Setting(peers.C, "first")
    whole = Setting(MATRIX, "first")
    block = Setting(MATRIX, "block")

    def view(label, name, yardstick, budget, code=False):
        return Row(label, Setting(name, "first"), yardstick, budget, Setting(name, "expression") if code else None)

    found = [
        view("strides and offset", "others.Strided", c, 1.5),
        view("shape by a list of expressions", "others.ListByCode", c, 1.5, code=True),
        view("shape by one expression", "others.ShapeByCode", c, 1.5, code=True),
        view("format at run time", "others.Formatted", c, 1.5),
        view("part, by fields", PART, whole, 2.5),
        view("part, by expressions", "others.PartByCode", whole, 2.5, code=True),
        view("part, chosen by a method", "others.Chosen", whole, 2.5),
        view("property", "others.Property", whole, 2.5),
        Row("stable view", Setting(MATRIX, "stable"), whole, 1.6),
        Row("stable view, ordinary class", Setting(peers.ORDINARY, "stable"), Setting(peers.ORDINARY, "first"), 1.6),
        Row("scoped block", Setting(MATRIX, "scoped"), block, 2.0),
    ]
    if "ndarray" not in missing:
        # numpy's own tensor of its own array.
        found += [
            Row(label + of, Setting(name, case), Setting("ndarray", case), 1.0)
            for label, case in [("np.from_dlpack", "tensor"), ("__dlpack__", "capsule")]
            for of, name in [("", peers.TENSORS + peers.OURS), (", ordinary class", peers.TENSORS + peers.ORDINARY)]
        ]
    if "cython_peer" not in missing:
        found.append(
            Row("add_row", Setting(peers.OURS, "add_row"), Setting("cython_peer", "add_row"), 1.0, only_time=True)
        )
    return found


def growing(missing=()):
    return [Setting(name, "add_row") for name in GROWING if name not in missing]


def guards():
    return [Setting(MATRIX, case) for case in GUARDS]


def settings(missing=()):
    """Everything that is measured, each once."""
    of_rows = [s for row in rows(missing) for s in (row.setting, row.yardstick, row.apart) if s]
    return list(dict.fromkeys([*of_rows, *guards(), *growing(missing)]))


def names():
    """The settings that the regression test compares, by their names in the file of expected counts."""
    ours = (peers.OURS, peers.ORDINARY, peers.OTHERS, peers.TENSORS + peers.OURS, peers.TENSORS + peers.ORDINARY)
    # The instructions of the user's expressions, of numpy's function and of the allocator are not this project's.
    theirs = ("expression", "tensor", "add_row")
    found = [s for s in settings() if s.peer.partition(".")[0] in ours and s.case not in theirs]
    appends = [Setting(name, "append", nrows=ROOM) for name in (peers.OURS, peers.ORDINARY)]
    return {text(setting): setting for setting in [*found, *appends]}


def show(costs, unit, missing=()):
    """Prints every row, and those that exceed their budget. Returns whether there are none."""
    within = True
    for row in rows(missing):
        cost = costs[row.setting] - (costs[row.apart] if row.apart else 0)
        ratio = cost / costs[row.yardstick]
        limited = unit == "nanoseconds" or not row.only_time
        within &= ratio <= row.budget or not limited
        apart = f", and {costs[row.apart]:.0f} for the expressions" if row.apart else ""
        against = f"times {text(row.yardstick)} ({costs[row.yardstick]:.0f})"
        said = f", {verdict(ratio, row.budget)}" if limited else ""
        print(f"  {row.label:<32}{cost:8.0f}{apart}: {ratio:.2f} {against}{said}")
    for setting in growing(missing):
        print(f"  {text(setting):<32}{costs[setting]:8.0f}")
    for setting in guards():
        said = verdict(costs[setting], GUARD_BUDGET) if unit == "nanoseconds" else unit
        print(f"  {text(setting):<32}{costs[setting]:8.1f}  {said}")
        within &= unit != "nanoseconds" or costs[setting] <= GUARD_BUDGET
    return within


def text(setting):
    return f"{setting.peer} {setting.case}"


def verdict(cost, budget):
    return f"{'within' if cost <= budget else 'OVER'} its budget of {budget:.1f}"
