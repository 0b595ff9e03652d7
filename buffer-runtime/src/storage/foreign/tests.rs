use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

/// A deallocator that counts its calls and checks its arguments.
fn counting<T: 'static>(given: *mut T, len: usize) -> (impl FnOnce(*mut T, usize) + Send, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let (address, count) = (given.addr(), Arc::clone(&calls));
    let free = move |data: *mut T, freed| {
        assert_eq!((data.addr(), freed), (address, len));
        count.fetch_add(1, Ordering::Relaxed);
    };
    (free, calls)
}

/// The error for these parts, whose deallocator must not be called.
#[track_caller]
fn refusal<T: Element>(given: *mut T, len: usize) -> ForeignBufferError {
    let (free, calls) = counting(given, len);
    // SAFETY: the obligations do not hold, but `new` must refuse these parts before it relies on them.
    let error = unsafe { ForeignBuffer::new(given, len, free) }.map(drop).unwrap_err();
    let (free, more_calls) = counting(given, len);
    // SAFETY: as above.
    let same = unsafe { ForeignBuffer::new_readonly(given, len, free) }.map(drop).unwrap_err();
    assert_eq!((calls.load(Ordering::Relaxed), more_calls.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(error, same);
    error
}

/// Whether these parts are accepted. The buffer is freed at once.
fn accepted<T: Element>(given: *mut T, len: usize) -> bool {
    // SAFETY: nothing accesses the elements.
    let buffer = unsafe { ForeignBuffer::new(given, len, |_, _| ()) };
    buffer.map(drop).is_ok()
}

#[test]
fn miri_what_can_be_no_buffer_is_not_freed() {
    let mut numbers = [0_i32; 3];
    let first = numbers.as_mut_ptr();
    assert_eq!(refusal::<i32>(ptr::null_mut(), 1), ForeignBufferError::Null { len: 1 });
    let odd = first.wrapping_byte_add(2);
    for len in [0, 2] {
        assert_eq!(refusal(odd, len), ForeignBufferError::Misaligned { address: odd.addr(), align: 4 });
    }
    let largest = isize::MAX.cast_unsigned() / 4;
    for len in [largest + 1, usize::MAX / 4 + 1, usize::MAX] {
        assert_eq!(refusal(first, len), ForeignBufferError::TooLong { len, size: 4 });
    }
    let failed = ptr::without_provenance_mut::<u8>(usize::MAX);
    for bytes in [1, isize::MAX.cast_unsigned()] {
        assert_eq!(refusal(failed, bytes), ForeignBufferError::PastTheEnd { address: usize::MAX, bytes });
    }
    let last = ptr::without_provenance_mut::<u32>(usize::MAX - 7);
    assert_eq!(refusal(last, 2), ForeignBufferError::PastTheEnd { address: usize::MAX - 7, bytes: 8 });
    assert!(accepted(last, 1));
}

#[test]
fn refusals_say_what_to_look_at() {
    assert_eq!(
        refusal::<i32>(ptr::null_mut(), 3).to_string(),
        "the pointer to 3 elements is null; check whether the allocation failed"
    );
    assert_eq!(
        refusal(ptr::without_provenance_mut::<f64>(0x1004), 1).to_string(),
        "the pointer 0x1004 is not aligned to the 8 bytes that its elements need; pass it as bytes, or as packed elements"
    );
    assert_eq!(
        refusal(ptr::without_provenance_mut::<u16>(0x1000), 1 << 63).to_string(),
        "9223372036854775808 elements of 2 bytes are more than memory can have; check that the length counts elements"
    );
    assert_eq!(
        refusal(ptr::without_provenance_mut::<u8>(usize::MAX), 16).to_string(),
        "16 bytes from 0xffffffffffffffff on would end behind the last address; check whether the allocation failed"
    );
}

#[test]
fn miri_a_null_pointer_to_nothing_is_given_back() {
    let (free, calls) = counting::<f64>(ptr::null_mut(), 0);
    // SAFETY: no elements.
    let buffer = unsafe { ForeignBuffer::new(ptr::null_mut(), 0, free) }.unwrap();
    assert_eq!(*buffer, [] as [f64; 0]);
    drop(buffer);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_a_buffer_is_a_slice_until_it_is_freed_on_another_thread() {
    let mut numbers = [1_u16, 2, 3];
    let given = numbers.as_mut_ptr();
    let (free, calls) = counting(given, 3);
    // SAFETY: a local that outlives the buffer and is not used meanwhile.
    let mut buffer = unsafe { ForeignBuffer::new(given, 3, free) }.unwrap();
    buffer[1] = 7;
    assert_eq!((buffer.len(), format!("{buffer:?}")), (3, "[1, 7, 3]".to_owned()));
    thread::spawn(move || drop(buffer)).join().unwrap();
    assert_eq!((calls.load(Ordering::Relaxed), numbers), (1, [1, 7, 3]));
}

#[test]
fn miri_memory_that_may_not_be_written_is_only_read() {
    static NUMBERS: [u16; 2] = [4, 5];
    // SAFETY: a static, which needs no freeing.
    let buffer = unsafe { ForeignBuffer::new_readonly(NUMBERS.as_ptr(), 2, |_, _| ()) }.unwrap();
    assert_eq!(*buffer, NUMBERS);
}

#[test]
fn miri_a_deallocator_that_panics_is_not_called_again() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    // SAFETY: no elements.
    let buffer = unsafe {
        ForeignBuffer::<u8>::new(ptr::null_mut(), 0, |_, _| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            panic!("while freeing");
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(|| drop(buffer))).is_err());
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
}
