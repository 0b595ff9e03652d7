//! `Shared` without an interpreter, so that Miri and ThreadSanitizer can check it.

use std::cell::UnsafeCell;
use std::thread;

use super::*;
use crate::{Be, BufferElement, Bytes, Le};

mod arrays;
mod copies;

/// Memory that only `Shared` handles access.
struct Memory<T: Element>(Box<[UnsafeCell<T>]>);

impl<T: Element> Memory<T> {
    fn new(items: &[T]) -> Self {
        Self(items.iter().map(|&item| UnsafeCell::new(item)).collect())
    }

    fn shared(&self) -> Shared<T> {
        // SAFETY: the elements are valid as long as `self`, which outlives the handles in each test, and there are no
        // references to them.
        unsafe { Shared::new(UnsafeCell::raw_get(self.0.as_ptr()), self.0.len()) }
    }
}

fn round_trip<T: Element + PartialEq + fmt::Debug>(first: T, second: T) {
    let memory = Memory::new(&[first; 5]);
    let (one, two) = (memory.shared(), memory.shared());
    one.set(3, second);
    assert_eq!(two.iter().collect::<Vec<_>>(), [first, first, first, second, first]);
    two.for_each_chunk(|items| items[0] = second);
    let mut copy = [first; 5];
    one.copy_to_slice(&mut copy);
    assert_eq!(copy, [second, first, first, second, first]);
    one.copy_from_slice(&[second; 5]);
    assert!(two.iter().rev().all(|item| item == second));
    let both = one.fold_chunks_with(&two, Vec::new(), |all, ones, twos| [&all, ones, twos].concat());
    assert_eq!(both, [second; 10]);
    assert_eq!(one.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat()), [second; 5]);
    two.fill(first);
    assert!(one.iter().all(|item| item == first));
}

#[test]
fn miri_an_update_reaches_each_element_once() {
    for len in [0, 1, 7, 1023, 1024, 2500] {
        let mut items: Vec<u32> = (0..len).collect();
        // SAFETY: the vector's own elements, which no other code uses meanwhile.
        let shared = unsafe { Shared::new(items.as_mut_ptr(), items.len()) };
        let mut seen = Vec::new();
        shared.update(|item| {
            seen.push(item);
            item + 1
        });
        assert!(seen.iter().copied().eq(0..len));
        assert!(items.into_iter().eq(1..=len));
    }
}

/// A part of an object may be exported with another format than the whole.
#[test]
fn miri_handles_of_several_sizes_meet() {
    let memory = Memory::new(&[0_u32; 40]);
    let words = memory.shared();
    // SAFETY: the same memory, which has this many initialised bytes.
    let bytes = unsafe { Shared::<u8>::new(words.as_ptr().cast(), 160) };
    // SAFETY: as above.
    let halves = unsafe { Shared::<u16>::new(words.as_ptr().cast(), 80) };
    let written = |byte: &u8| [0, 1, 2, 3].contains(byte);
    thread::scope(|scope| {
        scope.spawn(|| {
            bytes.fill(1);
            bytes.set(7, 2);
            assert!(bytes.to_vec().unwrap().iter().all(written));
        });
        scope.spawn(|| {
            halves.for_each_chunk(|chunk| chunk.fill(0x0202));
            assert!(halves.get(3).to_ne_bytes().iter().all(written));
        });
        words.update(|word| word | 0x0101_0101);
        words.set(1, 0x0303_0303);
        assert!(words.iter().all(|word| word.to_ne_bytes().iter().all(written)));
    });
}

#[test]
fn miri_every_element_passes_through_two_handles() {
    round_trip(1_i8, -1);
    round_trip(1_u8, 255);
    round_trip(1_i16, -1);
    round_trip(1_u16, 0xffff);
    round_trip(1_i32, -1);
    round_trip(1_u32, u32::MAX);
    round_trip(1_i64, -1);
    round_trip(1_u64, u64::MAX);
    round_trip(1_isize, -1);
    round_trip(1_usize, usize::MAX);
    round_trip(1.5_f32, -0.0);
    round_trip(1.5_f64, f64::MAX);
    round_trip([1_u8, 2, 3], [4, 5, 6]);
    round_trip([[1.0_f32; 2]; 3], [[2.0; 2]; 3]);
    round_trip([1_u64; 3], [2; 3]);
    round_trip(true, false);
    round_trip(Be::new(1_u32), Be::new(2));
    round_trip(Bytes(*b"abc"), Bytes(*b"def"));
    round_trip(Record { id: 1, alive: true, flags: [false; 3] }, Record { id: 2, alive: false, flags: [true; 3] });
    round_trip(Packed { kind: 1, id: Le::new(2.0) }, Packed { kind: 3, id: Le::new(-2.0) });
}

#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C)]
struct Record {
    id: u32,
    alive: bool,
    flags: [bool; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C, packed)]
struct Packed {
    kind: u8,
    id: Le<f64>,
}

#[test]
fn chunks_cover_every_element_once_and_in_order() {
    for len in [0, 1, 1023, 1024, 1025, 5000] {
        let memory = Memory::new(&vec![1_u32; len]);
        let mut lengths = Vec::new();
        memory.shared().for_each_chunk(|items| {
            lengths.push(items.len());
            items.iter_mut().for_each(|item| *item += 1);
        });
        assert_eq!(lengths.iter().sum::<usize>(), len);
        assert!(lengths.iter().rev().skip(1).all(|&length| length == lengths[0]), "{lengths:?}");
        assert!(lengths.last().is_none_or(|&last| last <= lengths[0]), "{lengths:?}");
        assert!(memory.shared().iter().all(|item| item == 2));
    }
}

#[test]
fn chunks_that_are_only_read_and_filling_cover_every_element() {
    for len in [0, 1, 1023, 1024, 1025, 5000] {
        let items: Vec<u32> = (0..len).collect();
        let memory = Memory::new(&items);
        let mut lengths = Vec::new();
        let read = memory.shared().fold_chunks(Vec::new(), |all, chunk| {
            lengths.push(chunk.len());
            [&all, chunk].concat()
        });
        assert_eq!(read, items);
        assert!(lengths.iter().rev().skip(1).all(|&length| length == 1024), "{lengths:?}");
        memory.shared().fill(7);
        assert!(memory.shared().iter().all(|item| item == 7));
    }
}

#[test]
fn an_element_larger_than_a_chunk_is_a_chunk() {
    let memory = Memory::new(&[[1_u64; 600]; 3]);
    assert_eq!(memory.shared().fold_chunks(0, |count, chunk| count + chunk.len()), 3);
    memory.shared().fill([1; 600]);
    let mut chunks = 0;
    memory.shared().for_each_chunk(|items| {
        chunks += items.len();
        items[0][599] = 7;
    });
    assert_eq!(chunks, 3);
    assert!(memory.shared().iter().all(|item| item[0] == 1 && item[599] == 7));
}

#[test]
fn chunks_of_two_buffers_are_read_together() {
    for len in [0, 1, 255, 256, 257, 5000] {
        let (numbers, wide) = (Memory::new(&vec![3_u8; len]), Memory::new(&vec![[2_u64; 2]; len]));
        wide.shared().iter().zip(0..).for_each(|(item, index)| wide.shared().set(index, [item[0], index as u64]));
        let read = numbers.shared().fold_chunks_with(&wide.shared(), Vec::new(), |mut all, numbers, wide| {
            assert_eq!(numbers.len(), wide.len());
            all.extend(numbers.iter().zip(wide).map(|(&number, wide)| u64::from(number) * wide[0] + wide[1]));
            all
        });
        assert!(read.iter().copied().eq((0..len as u64).map(|index| 6 + index)), "{len}");
    }
    let large = Memory::new(&[[1_u64; 600]; 3]);
    let count = large.shared().fold_chunks_with(&Memory::new(&[1_u8; 3]).shared(), 0, |sum, one, _| sum + one.len());
    assert_eq!(count, 3);
}

#[test]
#[should_panic(expected = "the other buffer must be as long as this one")]
fn two_buffers_of_different_lengths_are_not_read_together() {
    Memory::new(&[1_u8; 5]).shared().fold_chunks_with(&Memory::new(&[1_u8; 4]).shared(), (), |(), _, _| ());
}

/// Changed units are stored, both whole blocks and single units. Unchanged units keep concurrent writes.
fn only_changes_are_stored<T: Element + PartialEq + fmt::Debug>(len: usize, old: T, new: T, others: T) {
    let patterns: [fn(usize) -> bool; 9] = [
        |index| index % 32 == 31,
        |index| index % 32 != 0,
        |_| true,
        |_| false,
        |index| index % 3 == 0,
        |index| index / 300 % 2 == 0,
        |index| index != 700,
        |index| index == 70,
        |index| index % 64 < 32,
    ];
    for is_changed in patterns {
        let memory = Memory::new(&vec![old; len]);
        let other = memory.shared();
        let mut first = 0;
        memory.shared().for_each_chunk(|chunk| {
            for (index, item) in (first..).zip(chunk) {
                other.set(index, others);
                if is_changed(index) {
                    *item = new;
                }
                first += 1;
            }
        });
        let expected = (0..len).map(|index| if is_changed(index) { new } else { others });
        assert!(memory.shared().iter().eq(expected), "{old:?}");
    }
}

#[test]
fn changes_of_every_unit_are_stored_and_nothing_else() {
    for len in [1, 63, 128, 1000, 5000] {
        only_changes_are_stored(len, 1_u8, 2, 3);
        only_changes_are_stored(len, 1_i16, 2, 3);
        only_changes_are_stored(len, 1.0_f32, 2.0, 3.0);
        only_changes_are_stored(len, 1.0_f64, -1.0, 3.0);
        only_changes_are_stored(len, [1_u16; 3], [2; 3], [3; 3]);
    }
}

#[test]
fn miri_changes_are_stored_and_nothing_else() {
    only_changes_are_stored(200, 1_u8, 2, 3);
    only_changes_are_stored(80, 1.0_f64, -1.0, 3.0);
}

#[test]
fn miri_a_neighbour_written_during_bulk_access_is_kept() {
    let memory = Memory::new(&[1_u32; 8]);
    let other = memory.shared();
    memory.shared().for_each_chunk(|items| {
        // A concurrent write between the load and the store of this chunk.
        other.set(5, 50);
        items[4] = 40;
    });
    assert_eq!(other.iter().collect::<Vec<_>>(), [1, 1, 1, 1, 40, 50, 1, 1]);
}

#[test]
fn a_change_that_keeps_a_value_but_not_its_bits_is_stored() {
    let memory = Memory::new(&[0.0_f32, f32::NAN]);
    let quiet = f32::from_bits(f32::NAN.to_bits() | 1);
    memory.shared().for_each_chunk(|items| {
        items[0] = -0.0;
        items[1] = quiet;
    });
    assert!(memory.shared().get(0).is_sign_negative());
    assert_eq!(memory.shared().get(1).to_bits(), quiet.to_bits());
}

#[test]
fn a_panic_in_a_change_stores_nothing_of_its_chunk() {
    // Their chunks are groups in registers, and on the stack.
    panics_in_the_second_chunk(1_u8, 2);
    panics_in_the_second_chunk([1_u8; 3], [2; 3]);
}

fn panics_in_the_second_chunk<T: Element + PartialEq + fmt::Debug>(old: T, new: T) {
    let memory = Memory::new(&[old; 5000]);
    let (mut first, mut chunks) = (0, 0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        memory.shared().for_each_chunk(|items| {
            items.fill(new);
            chunks += 1;
            assert!(chunks < 2, "in the second chunk");
            first = items.len();
        });
    }));
    assert!(panicked.is_err());
    assert_eq!((memory.shared().get(first - 1), memory.shared().get(first)), (new, old));
}

#[test]
#[should_panic(expected = "index 5 is out of range for a buffer of 5 elements")]
fn an_index_out_of_range_panics() {
    Memory::new(&[1_u8; 5]).shared().get(5);
}

#[test]
#[should_panic(expected = "as long as the buffer")]
fn a_slice_of_another_length_panics() {
    Memory::new(&[1_u8; 5]).shared().copy_from_slice(&[1; 4]);
}

#[test]
fn tsan_handles_on_many_threads_do_not_race() {
    let memory = Memory::new(&[[0_u32; 3]; 700]);
    thread::scope(|scope| {
        for value in 1..4 {
            let shared = memory.shared();
            scope.spawn(move || {
                shared.for_each_chunk(|items| items.iter_mut().for_each(|item| item[1] = value));
                shared.fill([value; 3]);
                assert!(shared.iter().all(|item| item.iter().all(|part| (0..4).contains(part))));
            });
        }
    });
}

/// A loaded record may have bytes of several stored records: each `bool` in it is from one of them.
#[test]
fn tsan_miri_records_of_bools_are_valid_when_torn() {
    #[derive(Clone, Copy, BufferElement)]
    #[buffer(crate = "crate")]
    #[repr(C)]
    struct Flags {
        first: bool,
        others: [bool; 2],
    }

    let memory = Memory::new(&[Flags { first: true, others: [false; 2] }; 9]);
    thread::scope(|scope| {
        for first in [true, false] {
            let shared = memory.shared();
            scope.spawn(move || {
                for _ in 0..20 {
                    shared.fill(Flags { first, others: [!first, first] });
                    shared.for_each_chunk(|items| items.iter_mut().for_each(|item| item.first = !item.first));
                    let set = shared
                        .iter()
                        .map(|item| usize::from(item.first) + item.others.map(usize::from)[1])
                        .sum::<usize>();
                    assert!(set <= 2 * shared.len());
                }
            });
        }
    });
    let shared = memory.shared();
    // SAFETY: a record has an alignment of 1, and is three initialised bytes, which `shared` accesses as bytes as well.
    let bytes = unsafe { Shared::new(shared.as_ptr().cast::<u8>(), 3 * shared.len()) };
    assert!(bytes.iter().all(|byte| byte <= 1));
}
