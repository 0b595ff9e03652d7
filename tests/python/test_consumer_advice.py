"""Rust as a consumer: what the error about a refused argument advises."""

import re
import struct
import sys
import warnings

import numpy as np
import pytest
from buffer_tests_ext import consumer
from exporters import DTYPES


def test_a_refusal_names_both_formats_and_a_remedy():
    with pytest.raises(
        BufferError,
        match=re.escape(
            "expected items of format 'd' (f64), but this buffer has 'f'; "
            "convert it first, for example with np.asarray(x, dtype='float64')"
        ),
    ):
        consumer.read("f64", np.zeros(2, np.float32))
    with pytest.raises(
        BufferError,
        match=re.escape(
            "np.asarray(x, dtype='int32'); if its bytes are those of such items, pass memoryview(x).cast('i')"
        ),
    ):
        consumer.read("i32", bytes(8))
    for element, dtype in DTYPES.items():
        other = np.zeros(2, "V3")
        with pytest.raises(BufferError, match=f"dtype='{np.dtype(dtype).name}'"):
            consumer.read(element, other)


@pytest.mark.parametrize("element", DTYPES)
def test_the_suggested_remedies_work(element):
    for other in (np.arange(3, dtype=np.complex64), np.arange(3, dtype=">i2"), [0, 1, 2]):
        with pytest.raises((BufferError, TypeError)) as refusal:
            consumer.read(element, other)
        (dtype,) = re.findall(r"dtype='(\w+)'", str(refusal.value))
        with warnings.catch_warnings():
            # numpy warns that imaginary parts are discarded.
            warnings.simplefilter("ignore")
            assert list(consumer.read(element, np.asarray(other, dtype=dtype))) == [0, 1, 2]


def test_an_object_without_a_buffer_raises_the_type_error_of_memoryview():
    for nothing in ([1.0], 1.0, None, "text", (), object()):
        name = type(nothing).__name__
        with pytest.raises(TypeError, match=f"a bytes-like object is required, not '{name}'"):
            memoryview(nothing)
        with pytest.raises(TypeError, match=f"^pass .*dtype.*: a bytes-like object is required, not '{name}'$"):
            consumer.describe("f64", nothing)


@pytest.mark.parametrize("numbers", [[1.0], (1.0,), 1.0, 1, range(3), [], [[1]]], ids=repr)
def test_a_list_or_a_number_gets_the_advice_to_convert_first(numbers):
    required = f"a bytes-like object is required, not '{type(numbers).__name__}'"
    with pytest.raises(TypeError) as refusal:
        consumer.row_means(numbers)
    assert str(refusal.value) == f"pass np.asarray(x, dtype='float64'): {required}"
    # What it suggests is accepted.
    consumer.describe("f64", np.asarray(numbers, dtype="float64"))
    with pytest.raises(TypeError) as refusal:
        consumer.scale(numbers, 2.0)
    assert str(refusal.value) == f"pass an array to write to, for example np.empty(n, dtype='float64'): {required}"


def test_an_object_that_is_no_number_gets_no_advice_to_convert():
    for other in (None, {}, {1}, object()):
        with pytest.raises(TypeError) as refusal:
            consumer.describe("f64", other)
        required = f"a bytes-like object is required, not '{type(other).__name__}'"
        assert str(refusal.value) == f"pass an array of dtype 'float64': {required}"
    for element, advice in [("u8", "pass x.encode()"), ("f64", "pass an array of dtype 'float64'")]:
        with pytest.raises(TypeError) as refusal:
            consumer.describe(element, "text")
        assert str(refusal.value) == f"{advice}: a bytes-like object is required, not 'str'"
    assert bytes(consumer.read("u8", b"text")) == b"text"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes since 3.11")
@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: consumer.row_means(np.zeros(2, "f4")), BufferError, "view"),
        (lambda: consumer.row_means([1.0]), TypeError, "view"),
        (lambda: consumer.scale(np.zeros(2, "f4"), 2.0), BufferError, "items"),
        (lambda: consumer.scale([1.0], 2.0), TypeError, "items"),
        (lambda: consumer.add_to(np.zeros(2), np.zeros(2, "i4")), BufferError, "source"),
        (lambda: consumer.count(1), TypeError, "view"),
    ],
)
def test_the_argument_is_named(call, error, name):
    with pytest.raises(error) as refusal:
        call()
    assert refusal.value.__notes__ == [f"while processing '{name}'"]


# An output: a copy made for the call would lose the results.


def outputs():
    sliding = np.lib.stride_tricks.as_strided(np.zeros(9), (3, 3), (8, 8))
    misaligned = np.frombuffer(bytearray(25), "u1")[1:].view("f8")
    uneven = np.zeros(3, "u1,u1,u1,u1,f8")["f4"]
    yield "f64", np.zeros(2, "f4"), "np.empty(n, dtype='float64')"
    yield "f64", np.zeros(2, ">f8" if sys.byteorder == "little" else "<f8"), "np.empty(n, dtype='float64')"
    yield "i32", bytearray(8), "np.empty(n, dtype='int32')"
    yield "f64", np.array([None]), "np.empty(n, dtype='float64')"
    yield "f64", sliding, "y = np.array(x, order='C')"
    yield "f64", misaligned, "y = np.array(x, order='C')"
    yield "f64", uneven, "y = np.array(x, order='C')"
    yield "[f32; 3]", np.zeros((3, 5), "f4").T, "y = np.array(x, order='C')"
    yield "[f32; 3]", np.zeros(6, "f4"), "pass an array of the shape (n, 3)"
    yield "[[i16; 2]; 3]", np.zeros((2, 3), "i2"), "pass an array of the shape (n, 3, 2)"


@pytest.mark.parametrize(("element", "output", "advice"), list(outputs()), ids=range(10))
def test_a_refused_output_gets_no_advice_to_copy(element, output, advice):
    with pytest.raises(BufferError) as refusal:
        consumer.reverse(element, output)
    text = str(refusal.value)
    assert advice in text and "first, for example" not in text
    if "n, " not in advice.replace("empty(n", ""):
        assert "it is written in place, so " in text and re.search(
            "before the call and use the c.* as the output", text
        )


def test_the_whole_message_for_an_output():
    with pytest.raises(BufferError) as refusal:
        consumer.scale(np.zeros(2, "f4"), 2.0)
    assert str(refusal.value) == (
        "expected items of format 'd' (f64), but this buffer has 'f'; it is written in place, so pass an array of such "
        "items, for example np.empty(n, dtype='float64'), or convert it before the call and use the converted array as "
        "the output: y = np.asarray(x, dtype='float64')"
    )
    with pytest.raises(BufferError, match=re.escape("pass memoryview(x).cast('i')")):
        consumer.fill("i32", bytearray(8), 1)
    # The cast shares the memory, so the results are not lost.
    memory = bytearray(8)
    assert consumer.fill("i32", memoryview(memory).cast("i"), 1) == [1, 1]
    assert memory == struct.pack("2i", 1, 1)


def test_an_array_of_objects_gets_advice_to_convert():
    with pytest.raises(BufferError) as refusal:
        consumer.row_means(np.array([1.0, None]))
    assert str(refusal.value) == (
        "expected items of format 'd' (f64), but those of this buffer cannot be read: refused code 'O' (a Python "
        "object) at byte 0 of \"O\"; convert it first, for example with np.asarray(x, dtype='float64')"
    )
