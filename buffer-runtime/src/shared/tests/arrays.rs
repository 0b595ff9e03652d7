//! Small arrays instead of chunks: the same elements, each once, in order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

/// Lengths around those of arrays, groups and long runs; only a few under Miri, which is slow.
fn lengths<T>() -> Vec<usize> {
    let long = 1024_usize.div_ceil(size_of::<T>());
    if cfg!(miri) {
        return vec![0, 1, 17, long + 3];
    }
    vec![0, 1, 2, 15, 16, 17, 31, 127, 128, 129, 255, long - 1, long, long + 1, 1100]
}

fn of_length<T: Element + PartialEq + fmt::Debug, const N: usize>(items: &[T], pad: T) {
    let memory = Memory::new(items);
    let arrays = memory.shared().fold_arrays(Vec::new(), pad, |mut all, array: [T; N]| {
        all.push(array);
        all
    });
    assert_eq!(arrays.len(), items.len().div_ceil(N));
    let flat = arrays.as_flattened();
    assert_eq!(&flat[..items.len()], items);
    assert!(flat[items.len()..].iter().all(|item| *item == pad));
}

fn of_every_size<T: Element + PartialEq + fmt::Debug>(item: impl Fn(usize) -> T) {
    let pad = item(99);
    for len in lengths::<T>() {
        let items: Vec<T> = (0..len).map(&item).collect();
        of_length::<T, 1>(&items, pad);
        of_length::<T, 3>(&items, pad);
        of_length::<T, 16>(&items, pad);
        if !cfg!(miri) {
            of_length::<T, 32>(&items, pad);
            of_length::<T, 200>(&items, pad);
        }
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any values will do")]
fn miri_arrays_have_every_element_once_and_in_order() {
    of_every_size(|index| index as u8);
    of_every_size(|index| index as u16);
    of_every_size(|index| index as f32);
    of_every_size(|index| [index as u64; 3]);
    of_every_size(|index| index % 3 == 0);
    of_every_size(|index| Be::new(index as u32));
}

#[test]
fn miri_arrays_of_two_buffers_are_read_together() {
    for len in lengths::<u64>() {
        let numbers: Vec<u16> = (0..).take(len).collect();
        let others: Vec<u64> = numbers.iter().map(|&number| 2 * u64::from(number)).collect();
        let (numbers, others) = (Memory::new(&numbers), Memory::new(&others));
        let folded = numbers.shared().fold_arrays_with(
            &others.shared(),
            Vec::new(),
            (7, 14),
            |mut all, numbers: [u16; 16], others| {
                all.extend(numbers.into_iter().zip(others));
                all
            },
        );
        assert_eq!(folded.len(), len.next_multiple_of(16));
        assert!(folded[..len].iter().map(|pair| pair.0).eq((0..).take(len)));
        assert!(folded.iter().all(|&(number, other)| u64::from(number) * 2 == other));
        assert!(folded[len..].iter().all(|&(number, _)| number == 7));
    }
}

#[test]
#[should_panic(expected = "the other buffer must be as long as this one")]
fn arrays_of_two_buffers_of_different_lengths_are_refused() {
    let (one, two) = (Memory::new(&[1_u8; 3]), Memory::new(&[1_u8; 4]));
    one.shared().fold_arrays_with(&two.shared(), (), (0, 0), |(), _: [u8; 2], _| ());
}

/// Updates parts of the memory at several offsets, and checks that the elements beside them do not change.
fn updated<T: Element + PartialEq + fmt::Debug>(item: impl Fn(usize) -> T, change: impl Fn(T) -> T) {
    for len in lengths::<T>() {
        for start in [0, 1, 3] {
            let items: Vec<T> = (0..start + len + 5).map(&item).collect();
            let memory = Memory::new(&items);
            // SAFETY: `len` of the memory's elements, which only handles access.
            let part = unsafe { Shared::new(memory.shared().as_ptr().wrapping_add(start), len) };
            let mut seen = Vec::new();
            part.update(|item| {
                seen.push(item);
                change(item)
            });
            assert_eq!(seen, items[start..start + len]);
            let mut expected = items.clone();
            expected[start..start + len].iter_mut().for_each(|item| *item = change(*item));
            assert_eq!(memory.shared().to_vec().unwrap(), expected);
        }
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any values will do")]
fn miri_an_update_changes_every_element_and_nothing_beside_them() {
    updated(|index| index as u8, |item| item.wrapping_add(1));
    updated(|index| index as u16, |item| !item);
    updated(|index| index as f32, |item| item.mul_add(2.0, 1.0));
    updated(|index| index as f64, |item| item - 1.0);
    updated(|index| [index as u64, 1], |[one, two]| [two, one]);
    updated(|index| [index as u16; 3], |[one, ..]| [one + 1, 0, one]);
    updated(|index| index % 2 == 0, |item| !item);
}

/// An element with the size of a group.
#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C)]
struct Large([u64; 16]);

#[test]
fn miri_elements_as_large_as_a_group_are_updated() {
    updated(|index| Large([index as u64; 16]), |Large(words)| Large(words.map(|word| word + 1)));
    of_every_size(|index| Large([index as u64; 16]));
}

#[test]
fn a_change_that_panics_keeps_what_it_did_and_does_not_touch_what_follows() {
    let memory = Memory::new(&[1_u32; 1000]);
    let mut left = 500;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        memory.shared().update(|item| {
            left -= 1;
            assert!(left > 0, "enough");
            item + 1
        });
    }));
    assert!(caught.is_err());
    let items = memory.shared().to_vec().unwrap();
    let changed = items.iter().take_while(|&&item| item == 2).count();
    assert!((400..500).contains(&changed), "{changed}");
    assert!(items[changed..].iter().all(|&item| item == 1));
}

/// Two threads, which update separate halves.
#[test]
fn tsan_miri_neighbours_are_updated_at_the_same_time() {
    let memory = Memory::new(&[0_u64; 600]);
    thread::scope(|scope| {
        for half in [0, 1] {
            // SAFETY: half of the memory's elements, which only handles access.
            let part = unsafe { Shared::new(memory.shared().as_ptr().wrapping_add(half * 300), 300) };
            scope.spawn(move || (0..10).for_each(|_| part.update(|item| item + 1)));
        }
        let reads = memory.shared();
        scope.spawn(move || {
            let most = reads.fold_arrays(0, 0, |most, array: [u64; 16]| array.into_iter().fold(most, u64::max));
            assert!(most <= 10);
        });
    });
    assert!(memory.shared().iter().all(|item| item == 10));
}
