"""Random format strings, and how many of them the tests try.

`FORMAT_STRINGS` sets how many the quick tests try; the slow tests try a fifth of that. Each run tries the same strings,
unless `FORMAT_STRINGS` is larger than the default:

    FORMAT_STRINGS=100000 pytest tests/python/test_format_strings.py
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

STRINGS = 1000
strings = int(os.environ.get("FORMAT_STRINGS", STRINGS))
many_examples = settings(
    max_examples=strings,
    derandomize=strings <= STRINGS,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
examples = settings(many_examples, max_examples=-(-strings // 5))

# All codes of the struct module of Python 3.15.
PLAIN_CODES = [*"xcbB?hHiIlLqQefdspFD", "Zf", "Zd"]
NATIVE_CODES = [*"nNP"]
PADDING = st.sampled_from(["", "", "", " ", "\t", "\n \r", "\v\f"])
COUNT = st.sampled_from(["", "", "", "0", "1", "2", "3", "17", "007"])


def plain(codes):
    items = st.lists(st.tuples(PADDING, COUNT, st.sampled_from(codes)).map("".join), max_size=8).map("".join)
    return st.tuples(items, PADDING).map("".join)


PLAIN = st.one_of(
    st.tuples(st.sampled_from(["", "@"]), plain(PLAIN_CODES + NATIVE_CODES)).map("".join),
    st.tuples(st.sampled_from("=<>!"), plain(PLAIN_CODES)).map("".join),
)

# The codes that numpy reads: all but `n N P p u F D`. numpy reads no white space either.
NUMPY_CODES = [*"?cbBhHiIlLqQefdswx", "Zf", "Zd"]
ORDERS = st.sampled_from(["", "", "", "", "", "@", "=", "<", ">", "!", "^"])
SHAPES = st.sampled_from(["", "", "", "", "(1)", "(2)", "(2,3)", "(3,1,2)"])
COUNTS = st.sampled_from(["", "", "", "", "1", "2", "3"])
SCALARS = st.one_of(
    st.tuples(SHAPES, ORDERS, COUNTS, st.sampled_from(NUMPY_CODES)).map("".join),
    # These have no standard size, so the order before them must be one with native sizes.
    st.tuples(SHAPES, st.sampled_from("@^"), COUNTS, st.sampled_from(["g", "Zg"])).map("".join),
)


@st.composite
def fields_of(draw, item):
    """Items, some with names. No two names are equal."""
    fields = ""
    for index, field in enumerate(draw(st.lists(item, min_size=1, max_size=5))):
        fields += field + draw(st.sampled_from(["", f":f{index}:", f":name {index}:", f":é{index}{{}}:"]))
    return fields


def record_of(item):
    return st.builds("{}{}{}T{{{}}}".format, SHAPES, ORDERS, COUNTS, fields_of(item))


FORMATS = fields_of(st.recursive(SCALARS, record_of, max_leaves=12))
