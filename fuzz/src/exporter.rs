//! A cell under any sequence of requests, releases, guards and drops: the runtime must do what the model says.

mod drive;
mod model;

use std::collections::{BTreeMap, TryReserveError};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arbitrary::{Arbitrary, Unstructured};
use buffer_runtime::private::fuzz::exporter::{Borrow, Class as Kind, Subject, View};
use buffer_runtime::private::{Declared, Descriptor, Dim, Distance, Evaluated, Fixed, Numbers as _, Order, Parsed};
use buffer_runtime::{FromElements, MayWrite, ReadWrite, Replaceable, Rows, SharedRead, Storage};

pub use self::drive::run;
use self::model::{Content, Declaration, Granted, Number, Place};

#[derive(Debug, Arbitrary)]
struct Input {
    over_rows: bool,
    content: Bytes,
    steps: Vec<Step>,
    owner_goes_first: bool,
}

/// The content of a storage.
#[derive(Debug, Clone, Copy, Arbitrary)]
struct Bytes {
    len: u8,
    row_len: u8,
    first: u8,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Request(Request),
    Release(u8),
    Store { view: u8, item: u8, byte: u8 },
    Read,
    Share,
    Write,
    End(u8, Bytes),
    Leak(u8),
    Close,
    Detach,
    WriteOrDetach(Bytes),
}

#[derive(Debug, Arbitrary)]
struct Request {
    flags: Bits,
    shape: Shape,
    format: Option<u8>,
    sealed: bool,
    fortran: bool,
    readonly: bool,
    pins: bool,
}

/// The flags of a request: mostly those that exist. The model does not have stable views; the loom models cover them.
#[derive(Debug, Clone, Copy)]
struct Bits(i32);

impl Bits {
    const STABLE_READ: i32 = 0x400;
}

impl Arbitrary<'_> for Bits {
    fn arbitrary(data: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let bits: u16 = data.arbitrary()?;
        let flags: i32 = if bits < 0xf000 { (bits & 0x3ff).into() } else { data.arbitrary()? };
        Ok(Self(flags & !Self::STABLE_READ))
    }
}

/// What a class declares, as the derive expands it.
#[derive(Debug, Arbitrary)]
enum Shape {
    Natural,
    Dense(Extents),
    Offset(Extents, Size),
    Strided([Size; 2], Size, [Size; 2]),
    AtRunTime { shape: Option<Vec<Size>>, offset: Option<Size>, strides: Option<Vec<Size>> },
}

/// Two extents, of which one may be `_`.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Extents {
    Both(Size, Size),
    First(Size),
    Last(Size),
}

/// Mostly a number that fits the memory here, so that many declarations fit it.
#[derive(Debug, Clone, Copy)]
enum Size {
    Number(i64),
    TooLarge,
}

impl Arbitrary<'_> for Size {
    fn arbitrary(data: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let kind: u8 = data.arbitrary()?;
        Ok(match kind {
            0..160 => Self::Number((kind % 8).into()),
            160..216 => Self::Number(-i64::from(kind % 8)),
            216..248 => Self::Number(data.arbitrary::<i8>()?.into()),
            248..254 => Self::Number(data.arbitrary()?),
            254.. => Self::TooLarge,
        })
    }
}

/// The formats that an item may have, and their sizes.
const FORMATS: [(&str, usize); 6] = [("B", 1), ("h", 2), ("<i", 4), ("3s", 3), ("T{=H:x:B:y:}", 3), ("0s", 0)];

impl Size {
    fn number(self) -> i128 {
        match self {
            Self::Number(number) => number.into(),
            Self::TooLarge => u64::MAX.into(),
        }
    }

    /// The number as an item of a slice of `i64`.
    fn listed(self) -> i64 {
        i64::try_from(self.number()).unwrap_or(i64::MAX)
    }

    fn dim(self) -> Dim {
        i64::try_from(self.number()).map_or(Dim::TooLarge, Dim::of)
    }

    fn distance(self) -> Distance {
        i64::try_from(self.number()).map_or(Distance::TooLarge, Distance::of)
    }
}

impl Extents {
    fn numbers(self) -> [Number; 2] {
        self.each(None, |size| Some(size.number()))
    }

    fn dims(self) -> [Dim; 2] {
        self.each(Dim::Inferred, Size::dim)
    }

    fn form(self) -> usize {
        match self {
            Self::Both(..) => 0,
            Self::First(_) => 1,
            Self::Last(_) => 2,
        }
    }

    fn each<N: Copy>(self, inferred: N, number: impl Fn(Size) -> N) -> [N; 2] {
        match self {
            Self::Both(first, last) => [number(first), number(last)],
            Self::First(first) => [number(first), inferred],
            Self::Last(last) => [inferred, number(last)],
        }
    }
}

impl Bytes {
    fn content(self, over_rows: bool) -> Content {
        let Self { len, row_len, first } = self;
        let mut next = first;
        let mut bytes = |count: u8| -> Vec<u8> {
            let one = || {
                next = next.wrapping_mul(5).wrapping_add(3);
                next
            };
            std::iter::repeat_with(one).take(count.into()).collect()
        };
        if over_rows {
            let row_len = row_len % 9;
            Content::Rows { row_len: row_len.into(), rows: (0..len % 6).map(|_| bytes(row_len)).collect() }
        } else {
            Content::Whole(bytes(len % 64))
        }
    }
}

/// A storage that can be made from a `Content`.
trait Stored: Replaceable<Access: MayWrite> + 'static {
    fn new(content: &Content, alive: &Arc<AtomicUsize>) -> Self;
    fn content(&self) -> Content;
}

/// Bytes that count how many of these storages are alive.
struct Tracked {
    bytes: Vec<u8>,
    alive: Arc<AtomicUsize>,
}

thread_local! {
    /// The counter of the storages that are made as copies of elements.
    static ALIVE: Arc<AtomicUsize> = Arc::default();
}

/// All classes, with their numbers. They are never freed.
static CLASSES: Mutex<BTreeMap<Kinds, (usize, &'static Descriptor)>> = Mutex::new(BTreeMap::new());

/// What distinguishes classes: the form of the declaration, and whether it is in Fortran order and read-only.
type Kinds = (usize, bool, bool);

// SAFETY: all clauses are those of the Vec.
unsafe impl Storage for Tracked {
    type Element = u8;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for `this`; only an address is computed.
        let bytes = unsafe { &raw mut (*this).bytes };
        // SAFETY: as the caller vouches.
        unsafe { Vec::raw(bytes) }
    }
}

impl FromElements for Tracked {
    fn from_elements(elements: &SharedRead<u8>) -> Result<Self, TryReserveError> {
        let alive = ALIVE.with(Arc::clone);
        alive.fetch_add(1, Ordering::Relaxed);
        Ok(Self { bytes: elements.to_vec()?, alive })
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        // If a byte is read after it was freed, it has a wrong value.
        self.bytes.fill(0xdd);
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stored for Tracked {
    fn new(content: &Content, alive: &Arc<AtomicUsize>) -> Self {
        let Content::Whole(bytes) = content else { panic!("rows") };
        alive.fetch_add(1, Ordering::Relaxed);
        Self { bytes: bytes.clone(), alive: alive.clone() }
    }

    fn content(&self) -> Content {
        Content::Whole(self.bytes.clone())
    }
}

impl Stored for Rows<u8> {
    fn new(content: &Content, _alive: &Arc<AtomicUsize>) -> Self {
        let Content::Rows { row_len, rows } = content else { panic!("no rows") };
        let mut all = Self::new(*row_len);
        rows.iter().for_each(|row| all.push(row.clone()).expect("as long as the others"));
        all
    }

    fn content(&self) -> Content {
        let rows: Vec<Vec<u8>> = (0..self.len()).map(|row| self.row(row).to_vec()).collect();
        Content::Rows { row_len: self.row_len(), rows }
    }
}

impl Request {
    /// The number and the descriptor of the class, found by the properties on which the descriptor depends.
    fn kind(&self) -> (usize, &'static Descriptor) {
        let form = match &self.shape {
            Shape::Natural if !self.is_at_run_time() => 0,
            // A class declares the same parts at each request.
            Shape::Natural => 30 + self.declared_parts(None, None, None),
            Shape::AtRunTime { shape, offset, strides } => {
                30 + self.declared_parts(shape.as_deref(), *offset, strides.as_deref())
            }
            Shape::Strided(..) => 2,
            // A class has its `_` in one place.
            Shape::Dense(shape) => 10 + shape.form(),
            Shape::Offset(shape, _) => 20 + shape.form(),
        };
        let (natural, readonly) = (form == 0, self.readonly);
        let order = if self.fortran { Order::F } else { Order::C };
        let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
        let count = classes.len();
        let leak = || (count, Kind { natural, order, readonly }.leak());
        *classes.entry((form, self.fortran, readonly)).or_insert_with(leak)
    }

    /// Which parts a declaration at run time has, as a number.
    fn declared_parts(&self, shape: Option<&[Size]>, offset: Option<Size>, strides: Option<&[Size]>) -> usize {
        // Strides and an offset need a shape.
        let parts = [self.format.is_some(), shape.is_some(), shape.and(offset).is_some(), shape.and(strides).is_some()];
        parts.iter().fold(0, |number, &part| 2 * number + usize::from(part))
    }

    /// Only a declaration at run time can have a format, or decide whether it is read-only.
    fn is_at_run_time(&self) -> bool {
        match self.shape {
            Shape::Natural => self.format.is_some() || self.sealed,
            Shape::AtRunTime { .. } => true,
            Shape::Dense(_) | Shape::Offset(..) | Shape::Strided(..) => false,
        }
    }

    fn item(&self) -> Option<(&'static str, usize)> {
        let format = self.format.filter(|_| self.is_at_run_time());
        format.map(|format| FORMATS[usize::from(format) % FORMATS.len()])
    }

    fn class(&self) -> model::Class {
        let numbers = |sizes: &[Size]| sizes.iter().map(|size| size.number()).collect::<Vec<_>>();
        let listed = |sizes: &[Size]| sizes.iter().map(|size| size.listed().into()).collect::<Vec<i128>>();
        let (shape, offset, strides) = match &self.shape {
            Shape::Natural => (None, None, None),
            Shape::Dense(shape) => (Some(shape.numbers().to_vec()), None, None),
            Shape::Offset(shape, offset) => (Some(shape.numbers().to_vec()), Some(offset.number()), None),
            Shape::Strided(shape, offset, strides) => {
                (Some(shape.map(|size| Some(size.number())).to_vec()), Some(offset.number()), Some(numbers(strides)))
            }
            // Strides and an offset need a shape; the derive checks that.
            Shape::AtRunTime { shape: None, .. } => (None, None, None),
            Shape::AtRunTime { shape: Some(shape), offset, strides } => {
                let shape = listed(shape).into_iter().map(Some).collect();
                (Some(shape), offset.map(Size::number), strides.as_deref().map(listed))
            }
        };
        let (id, _) = self.kind();
        let sealed = self.sealed && self.is_at_run_time();
        let declaration = Declaration { shape, strides, offset, item: self.item(), fortran: self.fortran, sealed };
        model::Class { id, readonly: self.readonly, pins: self.pins, declaration }
    }

    fn make<S: Stored>(&self, subject: &Subject<S>, flags: i32) -> Result<View, String> {
        let (_, class) = self.kind();
        match &self.shape {
            Shape::Natural if !self.is_at_run_time() => subject.view(class, self.pins, flags, &Fixed::NATURAL),
            Shape::Dense(shape) => subject.view(class, self.pins, flags, &Fixed::new(shape.dims(), [])),
            Shape::Offset(shape, offset) => {
                subject.view(class, self.pins, flags, &Fixed::new(shape.dims(), [offset.distance()]))
            }
            Shape::Strided([a, b], offset, [s, t]) => {
                let placement = [offset, s, t].map(|size| size.distance());
                subject.view(class, self.pins, flags, &Fixed::new([a.dim(), b.dim()], placement))
            }
            Shape::Natural => subject.view(class, self.pins, flags, &self.declared(None, None, None)),
            Shape::AtRunTime { shape: None, .. } => {
                subject.view(class, self.pins, flags, &self.declared(None, None, None))
            }
            Shape::AtRunTime { shape, offset, strides } => {
                let declared = self.declared(shape.as_deref(), *offset, strides.as_deref());
                subject.view(class, self.pins, flags, &declared)
            }
        }
    }

    fn declared(&self, shape: Option<&[Size]>, offset: Option<Size>, strides: Option<&[Size]>) -> impl Evaluated {
        let listed = |sizes: &[Size]| sizes.iter().map(|size| size.listed()).collect::<Vec<i64>>();
        Declared::new(
            self.sealed,
            self.item().map(|(format, _)| Parsed::of(format).expect("a format")),
            shape.map(|shape| listed(shape).dims()),
            offset.map(|offset| offset.distance()),
            strides.map(|strides| listed(strides).distances()),
        )
    }
}
