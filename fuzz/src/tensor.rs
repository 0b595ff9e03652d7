//! Arbitrary claims of a producer about its tensor: they are refused, or mean the same in the form of the buffer
//! protocol, which is checked next. The deleter is called once, in either case.

use arbitrary::{Arbitrary, Unstructured};
use buffer_runtime::Element;
use buffer_runtime::private::fuzz::consumer::{self, check};
use buffer_runtime::private::fuzz::tensor::{Claimed, take};

use crate::consumer::{MOST, check_found};

#[derive(Debug, Arbitrary)]
struct Input {
    writable: bool,
    readonly: bool,
    start: u32,
    dtype: u8,
    dimensions: Vec<(u8, i8)>,
    with_strides: bool,
    slips: Vec<Slip>,
}

/// A false claim.
#[derive(Debug, Arbitrary)]
enum Slip {
    Version(u32, u32),
    Flags(u64),
    Data(u64),
    Null,
    Device(i32, i32),
    Ndim(i8),
    Dtype(u8, u8, u16),
    Extent(u8, i64),
    Stride(u8, i64),
    NoShape,
    Offset(u64),
}

/// The types of items that are read: code, bits and lanes, and the size in bytes.
const DTYPES: [((u8, u8, u16), usize); 4] = [((1, 8, 1), 1), ((0, 16, 1), 2), ((2, 32, 1), 4), ((2, 64, 1), 8)];

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let claimed = input.claims();
    let (taken, deleted) = take(&claimed, input.writable);
    assert_eq!(deleted, 1, "{claimed:?}");
    let is_true = input.slips.is_empty();
    let Some(view) = taken else {
        assert!(!is_true || input.writable && input.readonly, "refused what is true: {claimed:?}");
        return;
    };
    assert!(!input.writable || claimed.flags & 1 == 0, "{claimed:?}");
    assert!(claimed.version.0 == 1 && claimed.device == (1, 0) && claimed.dtype.2 == 1, "{claimed:?}");
    compare(&claimed, &view);
    match claimed.dtype {
        (1, 8, 1) => follow::<u8>(&view, is_true),
        (0, 16, 1) => follow::<i16>(&view, is_true),
        (2, 32, 1) => follow::<f32>(&view, is_true),
        (2, 64, 1) => follow::<f64>(&view, is_true),
        _ => {}
    }
}

/// Checks that the view has the same claims as the tensor.
fn compare(claimed: &Claimed, view: &consumer::Claimed) {
    let itemsize = i128::from(claimed.dtype.1) / 8;
    assert_eq!(i128::try_from(view.itemsize), Ok(itemsize));
    let ndim = usize::try_from(claimed.ndim).expect("it was accepted");
    assert!(ndim <= 64 && view.ndim == claimed.ndim);
    let given = |array: &Option<Vec<i64>>, factor: i128| {
        let mut numbers: Vec<i128> = array.iter().flatten().map(|&number| i128::from(number) * factor).collect();
        numbers.resize(ndim, 0);
        numbers
    };
    let shown = |array: &Option<Vec<isize>>| array.iter().flatten().map(|&number| number as i128).collect::<Vec<_>>();
    let shape = given(&claimed.shape, 1);
    assert!(ndim == 0 || claimed.shape.is_some());
    assert_eq!(shown(&view.shape), shape);
    if ndim > 0 && claimed.strides.is_some() {
        assert_eq!(shown(&view.strides), given(&claimed.strides, itemsize));
    } else {
        assert_eq!(view.strides, None);
    }
    let mut bytes = Some(if shape.contains(&0) { 0 } else { itemsize });
    for extent in shape {
        bytes = bytes.and_then(|bytes| bytes.checked_mul(extent));
    }
    let bytes = bytes.and_then(|bytes| isize::try_from(bytes).ok());
    assert!(view.len == bytes.unwrap_or(-1), "{claimed:?} {view:?}");
    let first = u128::from(claimed.data as u64) + u128::from(claimed.byte_offset);
    let first = usize::try_from(first).ok().filter(|_| claimed.data != 0);
    assert_eq!(view.buf, first.unwrap_or(0), "{claimed:?}");
}

fn follow<T: Element>(view: &consumer::Claimed, is_true: bool) {
    // A tensor states the byte order of its items, and `check` compares texts as the consumer does.
    match check::<T>(view, MOST) {
        Ok(found) => check_found::<T>(view, &found),
        Err(words) => assert!(!is_true && !words.is_empty(), "refused what is true: {words} {view:?}"),
    }
}

impl Input {
    fn claims(&self) -> Claimed {
        let (dtype, _) = DTYPES[usize::from(self.dtype) % DTYPES.len()];
        let dimensions = &self.dimensions[..self.dimensions.len().min(6)];
        let mut claimed = Claimed {
            version: (1, 1),
            flags: u64::from(self.readonly),
            // Far from either end of the address space, and aligned for any element.
            data: (1 << 40) + (self.start as usize) * 16,
            device: (1, 0),
            ndim: dimensions.len().try_into().expect("few dimensions"),
            dtype,
            shape: Some(dimensions.iter().map(|&(extent, _)| extent.into()).collect()),
            strides: self.with_strides.then(|| dimensions.iter().map(|&(_, stride)| stride.into()).collect()),
            byte_offset: 0,
        };
        self.slips.iter().for_each(|slip| slip.make(&mut claimed));
        claimed
    }
}

impl Slip {
    fn make(&self, claimed: &mut Claimed) {
        let put = |array: &mut Option<Vec<i64>>, axis: u8, number: i64| {
            if let Some(place) = array.as_mut().and_then(|array| array.get_mut(usize::from(axis))) {
                *place = number;
            }
        };
        match *self {
            Self::Version(major, minor) => claimed.version = (major, minor),
            Self::Flags(flags) => claimed.flags = flags,
            Self::Data(data) => claimed.data = data as usize,
            Self::Null => claimed.data = 0,
            Self::Device(kind, id) => claimed.device = (kind, id),
            Self::Ndim(ndim) => claimed.ndim = ndim.into(),
            Self::Dtype(code, bits, lanes) => claimed.dtype = (code % 8, bits, lanes),
            Self::Extent(axis, extent) => put(&mut claimed.shape, axis, extent),
            Self::Stride(axis, stride) => put(&mut claimed.strides, axis, stride),
            Self::NoShape => claimed.shape = None,
            Self::Offset(offset) => claimed.byte_offset = offset,
        }
    }
}
