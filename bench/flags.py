"""Every valid combination of flags: what the classes of this project and C answer, what it costs, and the budgets."""

import peers
from callgrind import Count
from workload import Setting

WRITABLE, FORMAT = 0x1, 0x4
BASES = {
    "SIMPLE": 0x0,
    "ND": 0x8,
    "STRIDES": 0x18,
    "C_CONTIGUOUS": 0x38,
    "F_CONTIGUOUS": 0x58,
    "ANY_CONTIGUOUS": 0x98,
    "INDIRECT": 0x118,
}
# CPython documents that FORMAT needs at least ND.
FLAGS = {
    "|".join([base, *(name for name in ("WRITABLE", "FORMAT") if name in more)]): bits | sum(more.values())
    for base, bits in BASES.items()
    for more in ({}, {"WRITABLE": WRITABLE}, {"FORMAT": FORMAT}, {"WRITABLE": WRITABLE, "FORMAT": FORMAT})
    if "FORMAT" not in more or base != "SIMPLE"
}
CASES = ("first", "beside")
# The instructions of a granted pair, as a multiple of C's.
BUDGETS = {peers.OURS: {"first": 1.10, "beside": 1.00}, peers.ORDINARY: {"first": 1.25, "beside": 1.25}}
# The nanoseconds of a pair with all flags of an ordinary class, as a multiple of C's.
TIME_BUDGET = 1.4
# The instructions of a refused request, as a multiple of a granted pair with all flags of the same class.
REFUSAL = 3.0


def settings():
    """The settings to count: three classes in two orders, with every combination of flags, in two cases."""
    modules = [*peers.IN_FORTRAN_ORDER, *peers.IN_FORTRAN_ORDER.values()]
    return [Setting(name, case, bits) for name in modules for case in CASES for bits in FLAGS.values()]


def rows(counts):
    """The counts as the measured file holds them: by order, flags, case and class."""
    return {
        order: {
            flags: {
                case: {peer: cell(counts[Setting(module(peer), case, bits)]) for peer in columns()} for case in CASES
            }
            for flags, bits in FLAGS.items()
        }
        for order, module in {"C": lambda peer: peer, "Fortran": peers.IN_FORTRAN_ORDER.get}.items()
    }


def columns():
    return list(peers.IN_FORTRAN_ORDER)


def cell(count: Count):
    return {"instructions": round(count.instructions, 1), **({"refused": True} if count.refused else {})}


def verdicts(rows):
    """One line for each row that exceeds its budget, and the number of rows.

    Where the class and C do not agree on refusing, no budget applies, and the line says so.
    """
    lines = []
    total = 0
    for order, by_flags in rows.items():
        full = by_flags["INDIRECT|WRITABLE|FORMAT"]
        for flags, by_case in by_flags.items():
            for case, cells in by_case.items():
                for peer, budgets in BUDGETS.items():
                    total += 1
                    where = f"{order} order, {flags}, {case}, {peers.PEERS[peer].label}"
                    mine, c = cells[peer], cells[peers.C]
                    if mine.get("refused") != c.get("refused"):
                        lines.append(f"{where}: granted by one, refused by the other")
                        continue
                    refused = mine.get("refused")
                    against = full[case][peer] if refused else c
                    ratio, budget = (
                        mine["instructions"] / against["instructions"],
                        REFUSAL if refused else budgets[case],
                    )
                    if ratio > budget:
                        what = "refusal, times a grant" if refused else "times C"
                        lines.append(f"{where}: {mine['instructions']:.0f}, {ratio:.2f} {what}, budget {budget:.2f}")
    return lines, total


def show(rows):
    """Prints every row, then the rows that exceed their budget."""
    header = "".join(f"{peers.PEERS[peer].label.replace('`', '')[:28]:>30}" for peer in columns())
    for order, by_flags in rows.items():
        print(f"  {order + ' order':<44}{header}")
        for flags, by_case in by_flags.items():
            for case, cells in by_case.items():
                print(f"  {flags:<36}{case:<8}" + "".join(f"{text(cells, peer):>30}" for peer in columns()))
    lines, total = verdicts(rows)
    print(f"  within budget: {total - len(lines)} of {total}")
    for line in lines:
        print(f"  OVER  {line}")
    return not lines


def text(cells, peer):
    instructions = cells[peer]["instructions"]
    if cells[peer].get("refused"):
        return f"refused {instructions:7.0f}      "
    return f"{instructions:.0f}  {instructions / cells[peers.C]['instructions']:5.2f}"
