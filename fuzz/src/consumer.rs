//! Arbitrary claims of an exporter about its buffer: they are refused with a message, or all items lie in the memory
//! that they claim.

use std::ffi::CString;

use arbitrary::{Arbitrary, Unstructured};
use buffer_runtime::private::fuzz::consumer::{Claimed, Found, check};
use buffer_runtime::{Be, BufferElement, Element};

/// The largest number of elements whose addresses are checked.
pub(crate) const MOST: usize = 2000;

#[derive(Debug, Arbitrary)]
struct Input {
    wanted: Wanted,
    exporter: Exporter,
}

#[derive(Debug, Arbitrary)]
enum Wanted {
    Byte,
    Short,
    Double,
    BigEndian,
    Vector,
    Table,
    Record,
}

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Record {
    id: u32,
    at: [f32; 2],
    kind: u16,
    #[buffer(padding)]
    _pad: [u8; 2],
}

/// Nearly all random claims contradict each other in an uninteresting way, so most exporters here make few false claims
/// or none.
#[derive(Debug, Arbitrary)]
enum Exporter {
    /// Makes claims that are true of some memory.
    Honest(Layout),
    /// The same, except for a few fields.
    Careless(Layout, Vec<Slip>),
    Wild {
        fields: [i64; 4],
        owned: bool,
        format: Option<Vec<u8>>,
        arrays: [Option<Vec<i64>>; 3],
    },
}

/// An array of elements, each of as many scalars as the element type has.
#[derive(Debug, Arbitrary)]
struct Layout {
    start: u32,
    /// Extents and strides in elements.
    dimensions: Vec<(u8, i8)>,
    with_strides: bool,
    with_suboffsets: bool,
}

#[derive(Debug, Arbitrary)]
enum Slip {
    Start(u64),
    Owner,
    Len(i64),
    Itemsize(i64),
    Ndim(i8),
    Format(Option<Vec<u8>>),
    Extent(u8, i64),
    Stride(u8, i64),
    Suboffset(u8, i64),
    NoShape,
    NoStrides,
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    match input.wanted {
        Wanted::Byte => follow::<u8>(&input.exporter),
        Wanted::Short => follow::<i16>(&input.exporter),
        Wanted::Double => follow::<f64>(&input.exporter),
        Wanted::BigEndian => follow::<Be<u32>>(&input.exporter),
        Wanted::Vector => follow::<[f32; 3]>(&input.exporter),
        Wanted::Table => follow::<[[u16; 2]; 3]>(&input.exporter),
        Wanted::Record => follow::<Record>(&input.exporter),
    }
}

fn follow<T: Element>(exporter: &Exporter) {
    let (claimed, is_true) = exporter.claims::<T>();
    match check::<T>(&claimed, MOST) {
        Ok(found) => check_found::<T>(&claimed, &found),
        Err(words) => assert!(!is_true && !words.is_empty(), "refused what is true: {words}\n{claimed:?}"),
    }
}

/// Checks the consumer's promises for claims that it accepts.
pub(crate) fn check_found<T: Element>(claimed: &Claimed, found: &Found) {
    let size = size_of::<T>();
    assert!(claimed.owned && claimed.itemsize > 0 && claimed.len >= 0);
    assert_eq!(found.shape.len(), found.strides.len());
    assert!(found.suboffsets.len() <= found.shape.len());
    assert!(found.suboffsets.last().is_none_or(|&last| last >= 0));
    assert!(found.shape.iter().all(|&extent| extent >= 0));
    let len = found.shape.iter().try_fold(1_usize, |len, &extent| len.checked_mul(extent.cast_unsigned()));
    assert!(len == Some(found.len) || found.len == 0 && found.shape.contains(&0));
    if let Some(bytes) = found.len.checked_mul(size) {
        assert_eq!(bytes, claimed.len.cast_unsigned());
    }
    if found.len == 0 || !found.suboffsets.is_empty() {
        assert!(found.addresses.is_empty());
        return;
    }

    assert!(claimed.buf.is_multiple_of(align_of::<T>()));
    let first = claimed.buf.checked_sub(found.reach.0).filter(|&first| first > 0).expect("inside the address space");
    let end = claimed.buf.checked_add(found.reach.1).expect("inside the address space");
    assert_eq!(found.addresses.len(), found.len.min(MOST));
    for (number, &address) in found.addresses.iter().enumerate() {
        assert_eq!(address, address_of(claimed.buf, found, number), "{number} of {found:?}");
        assert!(address >= first && address.checked_add(size).is_some_and(|behind| behind <= end), "{found:?}");
        assert!(address.is_multiple_of(align_of::<T>()));
        assert!(!found.c_contiguous || address == claimed.buf + number * size);
    }
    if found.len <= MOST {
        let mut sorted = found.addresses.clone();
        sorted.sort_unstable();
        let share = sorted.windows(2).any(|pair| pair[1] - pair[0] < size);
        // With more than two axes, or in more memory than there can be, an overlap may be reported that does not exist.
        let is_exact = found.shape.len() <= 2 && end - first < 1 << 60;
        assert!(found.may_overlap == share || found.may_overlap && !is_exact, "{found:?}");
        let dense = sorted.iter().enumerate().all(|(number, &address)| address == claimed.buf + number * size);
        assert!(dense || !found.f_contiguous, "{found:?}");
    }
}

/// The address of an element by its number in C order, as the protocol defines it.
fn address_of(buf: usize, found: &Found, mut number: usize) -> usize {
    let mut address = buf;
    for (&extent, &stride) in found.shape.iter().zip(&found.strides).rev() {
        let index = number % extent.cast_unsigned();
        number /= extent.cast_unsigned();
        address = address.wrapping_add_signed(stride.wrapping_mul(index.cast_signed()));
    }
    address
}

impl Exporter {
    /// The claims, and whether all of them are true of some memory and fit the wanted element.
    fn claims<T: Element>(&self) -> (Claimed, bool) {
        match self {
            Self::Honest(layout) => (layout.claims::<T>(), true),
            Self::Careless(layout, slips) => {
                let mut claimed = layout.claims::<T>();
                slips.iter().for_each(|slip| slip.make(&mut claimed));
                (claimed, slips.is_empty())
            }
            Self::Wild { fields, owned, format, arrays } => {
                let [buf, len, itemsize, ndim] = fields.map(size);
                let [shape, strides, suboffsets] =
                    arrays.clone().map(|array| array.map(|array| array.into_iter().map(size).collect()));
                let ndim = if ndim % 2 == 0 { ndim / 2 % 70 } else { ndim };
                let claimed = Claimed {
                    buf: buf.cast_unsigned(),
                    owned: *owned,
                    len,
                    itemsize,
                    ndim: ndim.try_into().unwrap_or(-1),
                    format: text(format.as_deref()),
                    shape,
                    strides,
                    suboffsets,
                };
                (claimed, false)
            }
        }
    }
}

impl Layout {
    fn claims<T: Element>(&self) -> Claimed {
        let size = size_of::<T>().cast_signed();
        let itemsize = T::ITEMSIZE.cast_signed();
        let inner: Vec<isize> = T::SHAPE.extents().iter().map(|extent| extent.cast_signed()).collect();
        // Few enough that any product of extents is an `isize`.
        let dimensions = &self.dimensions[..self.dimensions.len().min(6)];
        let mut shape: Vec<isize> = dimensions.iter().map(|&(extent, _)| extent.into()).collect();
        let mut strides: Vec<isize> = dimensions.iter().map(|&(_, stride)| isize::from(stride) * size).collect();
        let ndim = shape.len();
        shape.extend(&inner);
        strides.extend((0..inner.len()).map(|axis| inner[axis + 1..].iter().product::<isize>() * itemsize));
        Claimed {
            // Far from either end of the address space, and aligned for any element.
            buf: (1 << 40) + (self.start as usize) * 16,
            owned: true,
            len: shape.iter().product::<isize>() * itemsize,
            itemsize,
            ndim: shape.len().try_into().expect("few dimensions"),
            format: Some(T::FORMAT.to_owned()),
            suboffsets: self.with_suboffsets.then(|| vec![-1; ndim + inner.len()]),
            strides: self.with_strides.then_some(strides),
            shape: Some(shape),
        }
    }
}

impl Slip {
    fn make(&self, claimed: &mut Claimed) {
        let put = |array: &mut Option<Vec<isize>>, axis: u8, number: i64| {
            if let Some(place) = array.as_mut().and_then(|array| array.get_mut(usize::from(axis))) {
                *place = size(number);
            }
        };
        match self {
            &Self::Start(start) => claimed.buf = size(start.cast_signed()).cast_unsigned(),
            Self::Owner => claimed.owned = false,
            &Self::Len(len) => claimed.len = size(len),
            &Self::Itemsize(itemsize) => claimed.itemsize = size(itemsize),
            &Self::Ndim(ndim) => claimed.ndim = ndim.into(),
            Self::Format(format) => claimed.format = text(format.as_deref()),
            &Self::Extent(axis, extent) => put(&mut claimed.shape, axis, extent),
            &Self::Stride(axis, stride) => put(&mut claimed.strides, axis, stride),
            &Self::Suboffset(axis, suboffset) => put(&mut claimed.suboffsets, axis, suboffset),
            Self::NoShape => claimed.shape = None,
            Self::NoStrides => claimed.strides = None,
        }
    }
}

/// Truncates where `isize` is shorter.
fn size(number: i64) -> isize {
    number as isize
}

fn text(bytes: Option<&[u8]>) -> Option<CString> {
    bytes
        .map(|bytes| CString::new(bytes.iter().copied().filter(|&byte| byte != 0).collect::<Vec<_>>()).expect("no NUL"))
}
