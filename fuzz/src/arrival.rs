//! Pickles whose frames, shapes and lengths lie: a storage is made from exactly the contents of the frame, or not at
//! all, and no more memory is allocated than is in proportion to the frame.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use arbitrary::{Arbitrary, Unstructured};
use buffer_runtime::Viewable;
use buffer_runtime::private::fuzz::arrival::{Said, Wanted, arrive};

/// Counts how much each thread allocates.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does all of it; the count is a number of this thread, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get().saturating_add(layout.size()));
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(data, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much may be allocated besides the elements: texts of errors, and the shape.
const BESIDE: usize = 4096;
/// How much may be allocated for each byte of the frame: a row of one byte has a pointer too, in a vector that may have
/// grown.
const EACH: usize = 16;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    wanted: u8,
    element: u8,
    said: SaidOf,
    shift: u8,
    frame: &'a [u8],
}

#[derive(Debug, Arbitrary)]
enum SaidOf {
    Nothing,
    /// The true number of rows, and something added to their length.
    Rows(u8, i8),
    BytesOfRow(i64),
    /// Extents, the last of which is computed from the frame.
    True(Vec<u8>),
    Extents(Vec<u64>),
}

const WANTED: [Wanted; 8] = [
    Wanted::Vec,
    Wanted::Boxed,
    Wanted::Array,
    Wanted::Shared,
    Wanted::Imported,
    Wanted::Rows,
    Wanted::Grid,
    Wanted::AnyArray,
];

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    match input.element % 4 {
        0 => follow(&input, |bytes| bytes[0]),
        1 => follow(&input, |bytes| u16::from_ne_bytes(bytes.try_into().unwrap())),
        2 => follow(&input, |bytes| u64::from_ne_bytes(bytes.try_into().unwrap())),
        _ => follow(&input, |bytes| <[u8; 3]>::try_from(bytes).unwrap()),
    }
}

fn follow<T: Viewable + PartialEq + std::fmt::Debug>(input: &Input<'_>, element: impl Fn(&[u8]) -> T) {
    let wanted = WANTED[usize::from(input.wanted) % WANTED.len()];
    let said = input.said(size_of::<T>());
    // At any alignment.
    let shift = usize::from(input.shift % 8);
    let mut bytes: Vec<u8> = (0..shift as u8).chain(input.frame.iter().copied()).collect();
    let frame = &mut bytes[shift..];
    ASKED.set(0);
    let mut asked = 0;
    let made = arrive::<T>(frame, &said, wanted, || asked = ASKED.get());
    assert!(asked <= BESIDE + EACH * frame.len(), "{asked} bytes for {input:?}");
    let whole = frame.len().is_multiple_of(size_of::<T>());
    let count = frame.len() / size_of::<T>();
    let made = match made {
        Ok(made) => made,
        Err(words) => {
            assert!(!words.is_empty());
            assert!(!is_true(whole, count, &said, wanted, size_of::<T>()), "refused what is true: {words} {input:?}");
            return;
        }
    };
    assert!(is_true(whole, count, &said, wanted, size_of::<T>()), "accepted {input:?}");
    let elements: Vec<T> = frame.chunks_exact(size_of::<T>()).map(element).collect();
    assert_eq!(made.elements, elements, "{input:?}");
    assert_eq!(made.extents.iter().product::<usize>(), count, "{input:?}");
    if let (Said::Extents(extents), Wanted::Grid | Wanted::AnyArray) = (&said, wanted) {
        assert_eq!(&made.extents, extents);
    }
}

/// Whether a storage can be made from this many elements.
fn is_true(whole: bool, count: usize, said: &Said, wanted: Wanted, size: usize) -> bool {
    let product = |extents: &[usize]| {
        // An array without elements may have any other extents whose product is an `isize`, as ndarray requires.
        let bytes_each = if extents.contains(&0) { 1 } else { size };
        let nonzero = extents.iter().filter(|&&extent| extent > 0);
        let product = nonzero.copied().try_fold(bytes_each, |product, extent| product.checked_mul(extent));
        product.filter(|&product| isize::try_from(product).is_ok()).map(|_| extents.iter().product::<usize>())
    };
    whole
        && match (said, wanted) {
            (Said::BytesOfRow(bytes), _) if *bytes < 0 || !(*bytes as usize).is_multiple_of(size) => false,
            (Said::BytesOfRow(0), Wanted::Rows) => count == 0,
            (Said::BytesOfRow(bytes), Wanted::Rows) => count.is_multiple_of(*bytes as usize / size),
            (_, Wanted::Rows) => count == 0,
            (Said::Extents(extents), Wanted::Grid) => extents.len() == 2 && product(extents) == Some(count),
            (Said::Extents(extents), Wanted::AnyArray) => product(extents) == Some(count),
            (_, Wanted::Grid) => false,
            // There are no axes, and so one element.
            (_, Wanted::AnyArray) => count == 1,
            (_, Wanted::Array) => count == 3,
            _ => true,
        }
}

impl Input<'_> {
    fn said(&self, size: usize) -> Said {
        let count = self.frame.len() / size;
        match &self.said {
            SaidOf::Nothing => Said::Nothing,
            SaidOf::Rows(rows, more) => {
                Said::BytesOfRow(((count / usize::from(*rows).max(1)) * size) as isize + isize::from(*more))
            }
            SaidOf::BytesOfRow(bytes) => Said::BytesOfRow(*bytes as isize),
            SaidOf::True(extents) => {
                let mut extents: Vec<usize> = extents.iter().take(5).map(|&extent| extent.into()).collect();
                let product: usize = extents.iter().product();
                extents.push(count.checked_div(product).unwrap_or(0));
                Said::Extents(extents)
            }
            SaidOf::Extents(extents) => Said::Extents(extents.iter().take(64).map(|&extent| extent as usize).collect()),
        }
    }
}
