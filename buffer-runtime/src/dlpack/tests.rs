//! Tensors without an interpreter: what Miri and the sanitizers can check.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, mpsc};
use std::{mem, slice, thread};

use super::abi::{DataType, Device, Legacy, Managed, Tensor, Version, Versioned};
use super::export::Items;
use super::parcel::Parcel;
use super::refusal::Refusal;
use crate::cell::tests::{attached, counting, drain, natural};
use crate::cell::{Denied, Grant, grant};
use crate::error::Attempt;
use crate::layout::{Descriptor, Fixed};
use crate::lock::GuardKind;
use crate::request::Flags;
use crate::storage::Exportable;
use crate::{ExportCell, Rows};

static U32: Descriptor = natural::<u32>();
static READ_ONLY: Descriptor = Descriptor { readonly: true, ..natural::<u32>() };

/// A consumer that has taken a tensor. Its drop calls the deleter.
struct Consumer<M: Taken>(*mut M);

// SAFETY: a tensor may be used and deleted on any thread.
unsafe impl<M: Taken> Send for Consumer<M> {}

/// What the tests read from a managed tensor of either kind.
trait Taken: Managed {
    fn tensor(&self) -> &Tensor;
    fn deleter(&self) -> unsafe extern "C" fn(*mut Self);
}

impl Taken for Legacy {
    fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    fn deleter(&self) -> unsafe extern "C" fn(*mut Self) {
        self.deleter.unwrap()
    }
}

impl Taken for Versioned {
    fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    fn deleter(&self) -> unsafe extern "C" fn(*mut Self) {
        self.deleter.unwrap()
    }
}

impl<M: Taken> Consumer<M> {
    fn managed(&self) -> &M {
        // SAFETY: the tensor lives until its deleter is called.
        unsafe { &*self.0 }
    }

    fn shape(&self) -> &[i64] {
        let tensor = self.managed().tensor();
        // SAFETY: a tensor has an extent for each dimension; these have one.
        unsafe { slice::from_raw_parts(tensor.shape, usize::try_from(tensor.ndim).unwrap()) }
    }

    fn first(&self) -> *mut u32 {
        self.managed().tensor().data.cast()
    }

    fn write(&self, value: u32) {
        // SAFETY: the tensor has an item, which nothing else accesses at that time.
        unsafe { self.first().write(value) };
    }

    fn read(&self) -> u32 {
        // SAFETY: as above.
        unsafe { self.first().read() }
    }
}

impl<M: Taken> Drop for Consumer<M> {
    fn drop(&mut self) {
        let deleter = self.managed().deleter();
        // SAFETY: the consumer has the tensor, and is done with it.
        unsafe { deleter(self.0) };
    }
}

fn tensor_under<M: Taken>(view: &Grant<'_>) -> Result<Consumer<M>, Refusal> {
    // SAFETY: the view is counted, and the layout is its own.
    let items = unsafe { Items::of(view.layout(), view.is_readonly()) };
    let parcel: Parcel<M> = items.parcel(view, Version::NEWEST, M::NAME == Versioned::NAME, false)?;
    Ok(Consumer(parcel.leave()))
}

impl<S: Exportable> ExportCell<S> {
    fn with_view<R>(&self, descriptor: &'static Descriptor, with: impl FnOnce(&Grant<'_>) -> R) -> R {
        attached(|| {
            loop {
                // SAFETY: the cell is borrowed; `attached` stands for the GIL.
                match unsafe {
                    grant(self.address(), descriptor, Flags(Flags::FORMAT | Flags::INDIRECT), || Some(&Fixed::NATURAL))
                } {
                    Ok(view) => break with(&view),
                    Err(Denied::Changed | Denied::Unpublished) => thread::yield_now(),
                    Err(denied) => panic!("{denied:?}"),
                }
            }
        })
    }

    fn try_tensor<M: Taken>(&self, descriptor: &'static Descriptor) -> Result<Consumer<M>, Refusal> {
        self.with_view(descriptor, tensor_under)
    }

    fn tensor(&self) -> Consumer<Versioned> {
        self.try_tensor(&U32).unwrap()
    }

    fn refusal(&self, kind: GuardKind, attempt: Attempt) -> Option<String> {
        let begun = attached(|| self.header().begin(kind));
        begun
            .map(|()| self.header().lock.end())
            .map_err(|blocker| self.header().refused(attempt, blocker).to_string())
            .err()
    }
}

const ONE: &str = "1 tensor is alive; delete every tensor first";
const SHARE: &str = ", or change values in place through `share`";

#[test]
fn miri_a_tensor_keeps_memory_in_place_and_admits_views() {
    let mut cell = ExportCell::new(vec![1_u32, 2, 3]);
    let tensor = cell.tensor();
    assert_eq!((tensor.shape(), tensor.managed().flags), (&[3_i64][..], 0));
    let managed = tensor.managed().tensor();
    assert_eq!((managed.device, managed.byte_offset), (Device::CPU, 0));
    assert_eq!(managed.dtype, DataType { code: DataType::UINT, bits: 32, lanes: 1 });
    tensor.write(9);
    cell.with_view(&U32, |view| assert!(!view.is_readonly()));
    for (kind, attempt, refused) in [
        (GuardKind::Write, Attempt::Resize, Some(format!("cannot resize: {ONE}{SHARE}"))),
        (GuardKind::Read, Attempt::Read, Some(format!("cannot read: {ONE}"))),
        (GuardKind::Closed, Attempt::Close, Some(format!("cannot close: {ONE}"))),
        (GuardKind::Share, Attempt::Share, None),
    ] {
        assert_eq!(cell.refusal(kind, attempt), refused);
    }
    let second = cell.tensor();
    assert_eq!(cell.get_mut().err().unwrap().tensors(), 2);
    drop(second);
    assert_eq!(cell.get_mut().err().unwrap().tensors(), 1);
    let (mut cell, error) = cell.into_inner().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot take the storage: {ONE}"));
    drop(tensor);
    assert_eq!((cell.tensors(), cell.views()), (0, 0));
    cell.get_mut().unwrap().push(4);
    assert_eq!(cell.into_inner().unwrap(), [9, 2, 3, 4]);
}

#[test]
fn miri_a_read_only_tensor_admits_readers() {
    let cell = ExportCell::new(vec![1_u32]);
    let tensor: Consumer<Versioned> = cell.try_tensor(&READ_ONLY).unwrap();
    assert_eq!((tensor.managed().flags, tensor.read()), (Versioned::READ_ONLY, 1));
    assert_eq!(cell.refusal(GuardKind::Read, Attempt::Read), None);
    assert!(cell.refusal(GuardKind::Write, Attempt::Resize).is_some());
    assert_eq!(cell.try_tensor::<Legacy>(&READ_ONLY).err(), Some(Refusal::ReadOnly));
    drop(tensor);
    assert_eq!((cell.tensors(), cell.refusal(GuardKind::Write, Attempt::Resize)), (0, None));
}

/// Ends tensors of both kinds and the cell in every order. If a tensor is the last and the drop of the storage is user
/// code, the storage waits for an attached thread.
#[test]
fn miri_tensors_and_the_cell_end_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (cell, drops) = counting(&[1, 2, 3]);
        let (mut new, mut old) = (Some(cell.tensor()), Some(cell.try_tensor::<Legacy>(&U32).unwrap()));
        let mut cell = Some(cell);
        for which in order {
            match which {
                0 => drop(cell.take()),
                1 => drop(new.take()),
                _ => drop(old.take()),
            }
            if let Some(new) = &new {
                new.write(7);
                assert_eq!(new.read(), 7);
            }
            if let Some(old) = &old {
                old.write(8);
                assert_eq!(old.shape(), [3]);
            }
        }
        let over = drops.load(Ordering::Relaxed);
        assert_eq!(over, usize::from(order[2] == 0), "{order:?}");
        attached(drain);
        assert_eq!(drops.load(Ordering::Relaxed), 1, "{order:?}");
    }
}

#[test]
fn miri_a_tensor_is_the_last_to_free_plain_memory() {
    let cell = ExportCell::new(vec![1_u32, 2, 3]);
    let tensor = cell.tensor();
    drop(cell);
    // Miri reports a leak if the end of this tensor does not free the block.
    thread::spawn(move || assert_eq!(tensor.read(), 1)).join().unwrap();
}

#[test]
fn miri_a_tensor_stays_with_its_memory() {
    let mut cell = ExportCell::new(vec![1_u32]);
    let tensor = cell.tensor();
    cell.write_or_detach().unwrap().push(2);
    assert_eq!((cell.len(), cell.tensors(), tensor.read()), (2, 0, 1));
    let second = cell.tensor();
    drop(mem::replace(&mut cell, ExportCell::new(vec![5])));
    tensor.write(3);
    second.write(4);
    assert_eq!((tensor.read(), second.read()), (3, 4));
    let third = cell.tensor();
    cell.detach().unwrap();
    assert_eq!((third.read(), cell.is_closed()), (5, true));
}

#[test]
fn miri_a_refused_tensor_leaves_nothing() {
    static TEXT: Descriptor = natural::<crate::Bytes<4>>();
    static PAIRS: Descriptor = natural::<[u16; 2]>();
    let mut cell = ExportCell::new(vec![crate::Bytes(*b"abcd")]);
    assert_eq!(cell.try_tensor::<Versioned>(&TEXT).err(), Some(Refusal::Texts));
    assert!(cell.get_mut().is_ok());
    let rows = ExportCell::new(Rows::from_rows([vec![[1_u16, 2]]]).unwrap());
    assert_eq!(rows.try_tensor::<Versioned>(&PAIRS).err(), Some(Refusal::Rows));
    assert_eq!(rows.tensors(), 0);
}

/// The owner and three tensors end at the same time, each on a thread of its own. Only the last one may still access
/// the block.
#[test]
fn tsan_miri_the_last_tensors_and_the_owner_go_at_once() {
    let rounds = if cfg!(miri) { 20 } else { 500 };
    for _ in 0..rounds {
        let (cell, drops) = counting(&[0; 4]);
        let tensors = [cell.tensor(), cell.tensor(), cell.tensor()];
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for tensor in tensors {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    tensor.read();
                    drop(tensor);
                });
            }
            start.wait();
            drop(cell);
        });
        attached(drain);
        // A test on another thread may have taken the queue, and may not have freed the block yet.
        while drops.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }
}

/// A consumer writes on a thread of its own until its tensor ends. The lock alone orders that before the next writer.
#[test]
fn tsan_miri_what_a_consumer_wrote_is_seen_by_the_next_writer() {
    let rounds = if cfg!(miri) { 5 } else { 200 };
    let mut cell = ExportCell::new(vec![0_u32; 2]);
    for round in 1..=rounds {
        let tensor = cell.tensor();
        let consumer = thread::spawn(move || tensor.write(tensor.read() + 1));
        loop {
            match cell.get_mut() {
                Ok(mut items) => {
                    assert_eq!(items[0], round);
                    break items.push(0);
                }
                Err(_) => thread::yield_now(),
            }
        }
        consumer.join().unwrap();
    }
}

/// Every thread makes tensors of one cell, gives them away, and deletes those that it takes. Whoever finds no tensor
/// writes the memory, which the consumers only read.
#[test]
fn tsan_miri_tensors_are_made_given_away_and_deleted_on_many_threads() {
    let rounds = if cfg!(miri) { 4 } else { 300 };
    let cell = ExportCell::new(vec![0_u32; 2]);
    let writes = AtomicU32::new(0);
    let write = || {
        if attached(|| cell.header().begin(GuardKind::Write)).is_ok() {
            #[expect(clippy::cast_ptr_alignment, reason = "the elements are u32")]
            let item = cell.header().data().cast::<u32>();
            // SAFETY: there is an item, and under the write guard nothing else accesses it.
            unsafe { *item += 1 };
            cell.header().lock.end_write();
            writes.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (mut gives, takes): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel::<Consumer<Versioned>>()).unzip();
    gives.rotate_left(1);
    thread::scope(|scope| {
        for (give, take) in gives.into_iter().zip(takes) {
            let (cell, write) = (&cell, &write);
            scope.spawn(move || {
                for _ in 0..rounds {
                    // While another thread writes, there is no view, and so no tensor.
                    while attached(|| {
                        let flags = Flags(Flags::FORMAT | Flags::INDIRECT);
                        // SAFETY: the cell is borrowed; `attached` stands for the GIL.
                        let view = unsafe { grant(cell.address(), &U32, flags, || Some(&Fixed::NATURAL)) };
                        view.map(|view| give.send(tensor_under(&view).unwrap()).unwrap()).is_err()
                    }) {
                        thread::yield_now();
                    }
                    for tensor in take.try_iter() {
                        tensor.read();
                    }
                    write();
                }
                drop(give);
                for tensor in take {
                    tensor.read();
                }
                write();
            });
        }
    });
    assert_eq!(cell.tensors(), 0);
    assert_eq!(cell.into_inner().unwrap()[0], writes.into_inner());
}

#[test]
fn types_are_those_of_the_formats() {
    let of =
        |format: &std::ffi::CStr, itemsize| super::dtype::of(format, itemsize).map(|dtype| (dtype.code, dtype.bits));
    for (format, itemsize, expected) in [
        (c"?", 1, Ok((DataType::BOOL, 8))),
        (c"b", 1, Ok((DataType::INT, 8))),
        (c">B", 1, Ok((DataType::UINT, 8))),
        (c"@h", 2, Ok((DataType::INT, 16))),
        (c"=I", 4, Ok((DataType::UINT, 32))),
        (c"l", 4, Ok((DataType::INT, 32))),
        (c"l", 8, Ok((DataType::INT, 64))),
        (c"N", 8, Ok((DataType::UINT, 64))),
        (c"e", 2, Ok((DataType::FLOAT, 16))),
        (c"d", 8, Ok((DataType::FLOAT, 64))),
        (c"T{=H:bfloat16:}", 2, Ok((DataType::BFLOAT, 16))),
        (c"Zf", 8, Ok((DataType::COMPLEX, 64))),
        (c"^D", 16, Ok((DataType::COMPLEX, 128))),
        (c"g", 16, Err(Refusal::NoType)),
        (c"i", 8, Err(Refusal::NoType)),
        (c"2i", 8, Err(Refusal::NoType)),
        (c"", 1, Err(Refusal::NoType)),
        (c"4s", 4, Err(Refusal::Texts)),
        (c"w", 4, Err(Refusal::Texts)),
        (c"T{=i:a:}", 4, Err(Refusal::Records)),
    ] {
        assert_eq!(of(format, itemsize), expected, "{format:?}");
    }
    let (native, foreign) = if cfg!(target_endian = "little") { (c"<d", c">d") } else { (c">d", c"<d") };
    assert_eq!(of(native, 8), Ok((DataType::FLOAT, 64)));
    assert_eq!(of(foreign, 8), Err(Refusal::ByteOrder));
}
