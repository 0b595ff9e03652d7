//! Imported memory, from the request to the release. The test implements the exporter, and Rust owns the memory.

use std::ffi::c_int;
use std::sync::atomic::{AtomicU8, AtomicU32};

use pyo3::{Python, ffi};

use super::*;
use crate::interpreter::{self, Object, PyBuffer_FillInfo, value_of};
use crate::storage::{Import, VecOrImported};

/// An exporter of memory that it never frees, and how many of its views were released.
struct Exporter {
    items: Box<[AtomicU32]>,
    /// How many bytes after the start the view begins, and how many bytes at the end it omits.
    cut: (usize, usize),
    readonly: bool,
    released: AtomicUsize,
}

impl Exporter {
    fn new(items: &[u32]) -> Self {
        Self {
            items: items.iter().copied().map(AtomicU32::new).collect(),
            cut: (0, 0),
            readonly: true,
            released: AtomicUsize::new(0),
        }
    }

    /// A byte of an item. Where an access of Rust may race, it is one of a byte.
    fn lowest_byte(&self, index: usize) -> &AtomicU8 {
        let first = self.items[index].as_ptr().cast::<u8>();
        let lowest = first.wrapping_add(if cfg!(target_endian = "little") { 0 } else { 3 });
        // SAFETY: the byte is part of an atomic, and lives as long as the exporter.
        unsafe { AtomicU8::from_ptr(lowest) }
    }

    fn object(self) -> Object<Self> {
        Object::new(self, get, release_exported)
    }
}

unsafe extern "C" fn get(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: the slots are those of an exporter.
    let exporter: &Exporter = unsafe { value_of(object) };
    let (start, end) = exporter.cut;
    let buf = exporter.items.as_ptr().cast_mut().wrapping_byte_add(start).cast();
    let len = (size_of_val(&*exporter.items) - start - end).cast_signed();
    // SAFETY: `view` is the consumer's, and the fields describe the exporter's memory.
    unsafe { PyBuffer_FillInfo(view, object, buf, len, exporter.readonly.into(), flags) }
}

unsafe extern "C" fn release_exported(object: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {
    // SAFETY: the slots are those of an exporter.
    let exporter: &Exporter = unsafe { value_of(object) };
    exporter.released.fetch_add(1, Ordering::Relaxed);
}

fn import(exporter: &Object<Exporter>) -> Import {
    interpreter::attached(|py| {
        // SAFETY: attached, with an object that is alive.
        unsafe { Import::request(py, exporter.as_ptr(), |_| unreachable!("there is memory")) }.unwrap()
    })
}

fn imported(exporter: &Object<Exporter>) -> ExportCell<VecOrImported<u32>> {
    let cell = ExportCell::try_new(VecOrImported::of(import(exporter)).ok().expect("it may be kept")).unwrap();
    assert!(cell.is_imported());
    cell
}

fn released(exporter: &Object<Exporter>) -> usize {
    exporter.value().released.load(Ordering::Relaxed)
}

fn items(cell: &ExportCell<VecOrImported<u32>>) -> Vec<u32> {
    interpreter::attached(|py| cell.share_read(py).unwrap().to_vec().unwrap())
}

#[test]
fn miri_views_of_imported_memory_are_read_only_and_show_what_others_write() {
    let exporter = Exporter::new(&[1, 2, 3]).object();
    let cell = imported(&exporter);
    assert!(cell.view(&U32, true).is_none());
    let view = cell.view(&U32, false).unwrap();
    assert_eq!((view.shown.readonly, view.shape()), (1, vec![3]));
    assert_eq!(view.data.addr(), exporter.value().items.as_ptr().addr());
    interpreter::attached(|py| {
        let read = cell.share_read(py).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| exporter.value().lowest_byte(1).store(7, Ordering::Relaxed));
            // This races with the store, but both are atomic, so Rust allows it.
            assert!([2, 7].contains(&read.get(1)));
        });
        assert_eq!((read.get(1), read.len()), (7, 3));
        assert_eq!(cell.read(py).unwrap().as_slice(), None);
    });
    // The cell may be dropped before the view; the exporter's view ends with the last of them.
    drop(cell);
    assert_eq!(released(&exporter), 0);
    drop(view);
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 1);
}

#[test]
fn miri_imported_memory_becomes_own_before_rust_changes_it() {
    let exporter = Exporter::new(&[1, 2, 3]).object();
    let cell = imported(&exporter);
    let view = cell.view(&U32, false).unwrap();
    for refused in [cell.test_write().err(), cell.test_share().err(), cell.test_close().err()] {
        let error = refused.unwrap();
        assert_eq!(error.views(), 1, "{error}");
    }
    assert!(cell.is_imported());
    drop(view);
    let read = cell.test_read().unwrap();
    assert!(cell.test_write().is_err());
    drop(read);
    interpreter::attached(|py| {
        let mut data = cell.write(py).unwrap();
        // The error names the place of the guard for which the memory was copied.
        let error = cell.read(py).err().unwrap().to_string();
        assert!(error.contains(&format!("taken at {}:{}", file!(), line!() - 3)), "{error}");
        data.push(4);
    });
    assert_eq!((cell.is_imported(), released(&exporter)), (false, 1));
    assert_eq!(items(&cell), [1, 2, 3, 4]);
    assert_eq!(cell.test_read().unwrap().as_slice(), Some(&[1, 2, 3, 4][..]));
    assert!(cell.view(&U32, true).is_some());
    cell.test_share().unwrap().set(0, 9);
    assert_eq!(items(&cell), [9, 2, 3, 4]);
    assert_eq!(exporter.value().items[0].load(Ordering::Relaxed), 1);
    drop(cell.test_write().unwrap());
    assert_eq!(cell.test_close().unwrap().into_vec(), [9, 2, 3, 4]);

    // Each of the other ways to access the storage copies as well.
    let cell = imported(&exporter);
    interpreter::attached(|_| cell.test_share().unwrap().set(1, 5));
    assert_eq!(items(&cell), [1, 5, 3]);
    let mut cell = imported(&exporter);
    cell.get_mut().unwrap().push(4);
    assert_eq!(items(&cell), [1, 2, 3, 4]);
    assert_eq!(imported(&exporter).test_close().unwrap().into_vec(), [1, 2, 3]);
    assert_eq!(imported(&exporter).into_inner().ok().unwrap().into_vec(), [1, 2, 3]);
    drop(cell);
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 5);
}

#[test]
fn miri_views_keep_imported_memory_that_is_detached() {
    let exporter = Exporter::new(&[1, 2]).object();
    let mut cell = imported(&exporter);
    let view = cell.view(&U32, false).unwrap();
    cell.write_or_detach().unwrap().push(3);
    assert_eq!((cell.is_imported(), cell.views(), released(&exporter)), (false, 0, 0));
    assert_eq!((items(&cell), view.read().len()), (vec![1, 2, 3], 8));
    drop(view);
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 1);

    let mut cell = imported(&exporter);
    cell.detach().unwrap();
    interpreter::attached(|_| drain());
    assert_eq!((cell.is_closed(), released(&exporter)), (true, 2));
}

#[test]
fn miri_imported_memory_is_not_left_to_views_while_a_leaked_guard_is_alive() {
    let exporter = Exporter::new(&[1, 2]).object();
    let mut cell = imported(&exporter);
    let view = cell.view(&U32, false).unwrap();
    interpreter::attached(|py| mem::forget(cell.share_read(py).unwrap()));
    let error = cell.write_or_detach().unwrap_err();
    assert!(error.to_string().contains("1 read guard is alive in Rust"), "{error}");
    assert_eq!((cell.is_imported(), cell.views()), (true, 1));
    drop((view, cell));
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 1);
}

/// Nothing here attaches: an attached thread joins the other threads.
#[test]
fn miri_orphans_of_imported_memory_wait_for_an_attached_thread() {
    let exporter = Exporter::new(&[1, 2, 3]).object();
    let cells = [(); 3].map(|()| imported(&exporter));
    let import = import(&exporter);
    let viewed = imported(&exporter);
    let view = viewed.view(&U32, false).unwrap();
    interpreter::attached(|_| {
        thread::scope(|scope| {
            for cell in cells {
                scope.spawn(move || drop(cell));
            }
            scope.spawn(move || drop(import));
            scope.spawn(move || drop(viewed));
        });
        assert_eq!(released(&exporter), 0);
        drain();
        assert_eq!(released(&exporter), 4);
    });
    drop(view);
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 5);
}

#[test]
fn miri_only_aligned_read_only_memory_of_whole_elements_is_kept() {
    let all = || Exporter::new(&[1, 2, 3]);
    for exporter in [
        Exporter { readonly: false, ..all() },
        Exporter { cut: (1, 3), ..all() },
        Exporter { cut: (0, 1), ..all() },
        Exporter { cut: (0, 12), ..all() },
    ] {
        let exporter = exporter.object();
        assert!(VecOrImported::<u32>::of(import(&exporter)).is_err());
        interpreter::attached(|_| drain());
        assert_eq!(released(&exporter), 1);
    }
}

/// With the free-threaded lock these threads really meet.
#[test]
fn miri_one_thread_of_several_makes_imported_memory_its_own() {
    let exporter = Exporter::new(&[1, 2, 3]).object();
    let cell = imported(&exporter);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| interpreter::attached(|py| cell.write(py).map(|mut data| data.push(4)).ok()));
            scope.spawn(|| interpreter::attached(|py| cell.share_read(py).map(|data| data.get(0)).ok()));
        }
    });
    let held = cell.test_write().unwrap().len();
    assert!((3..=6).contains(&held), "{held}");
    assert!(!cell.is_imported());
    interpreter::attached(|_| drain());
    assert_eq!(released(&exporter), 1);
}

/// An exporter that may raise an exception when it grants a view, and grants it all the same.
struct Raiser {
    items: [AtomicU32; 1],
    raises: Option<Object<()>>,
    released: AtomicUsize,
}

unsafe extern "C" fn get_raiser(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: the slots are those of a raiser.
    let raiser: &Raiser = unsafe { value_of(object) };
    if let Some(exception) = &raiser.raises {
        interpreter::raise(exception.as_ptr());
    }
    let buf = raiser.items.as_ptr().cast_mut().cast();
    // SAFETY: `view` is the consumer's, and the fields describe the exporter's memory.
    unsafe { PyBuffer_FillInfo(view, object, buf, 4, 1, flags) }
}

/// No exception is pending while it runs.
unsafe extern "C" fn release_raiser(object: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {
    // SAFETY: the slots are those of a raiser.
    let raiser: &Raiser = unsafe { value_of(object) };
    // SAFETY: views are released attached.
    assert!(interpreter::take_raised(unsafe { Python::assume_attached() }).is_none());
    raiser.released.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn miri_an_import_is_released_beside_an_exception() {
    let pending = interpreter::exception();
    for raises in [Some(interpreter::exception()), None] {
        let raiser = Raiser { items: [AtomicU32::new(1)], raises, released: AtomicUsize::new(0) };
        let raiser = Object::new(raiser, get_raiser, release_raiser);
        interpreter::attached(|py| {
            // SAFETY: attached, with an object that is alive.
            let import = unsafe { Import::request(py, raiser.as_ptr(), |_| unreachable!("there is memory")) };
            match (import, &raiser.value().raises) {
                (Err(error), Some(raised)) => assert_eq!(error.value(py).as_ptr(), raised.as_ptr()),
                (Ok(import), None) => {
                    interpreter::raise(pending.as_ptr());
                    drop(import);
                    assert_eq!(interpreter::take_raised(py).unwrap().as_ptr(), pending.as_ptr());
                }
                _ => unreachable!("a request fails if the exporter raises"),
            }
        });
        assert_eq!(raiser.value().released.load(Ordering::Relaxed), 1);
    }
}

thread_local! {
    /// How many releases of links are nested, and how many were at most.
    static NESTED: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
}

/// An exporter that keeps the memory of the one before it, up to its own release.
struct Link {
    items: Box<[AtomicU32]>,
    before: std::cell::RefCell<Option<ExportCell<VecOrImported<u32>>>>,
}

unsafe extern "C" fn get_link(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: the slots are those of a link.
    let link: &Link = unsafe { value_of(object) };
    let (buf, len) = (link.items.as_ptr().cast_mut().cast(), size_of_val(&*link.items).cast_signed());
    // SAFETY: `view` is the consumer's, and the fields describe the exporter's memory.
    unsafe { PyBuffer_FillInfo(view, object, buf, len, 1, flags) }
}

unsafe extern "C" fn release_link(object: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {
    // SAFETY: the slots are those of a link.
    let link: &Link = unsafe { value_of(object) };
    let (depth, deepest) = NESTED.get();
    NESTED.set((depth + 1, deepest.max(depth + 1)));
    drop(link.before.take());
    NESTED.set((depth, NESTED.get().1));
}

#[test]
fn miri_a_chain_of_imports_does_not_exhaust_the_stack() {
    let mut last = None;
    let mut links = Vec::new();
    for number in 0..120 {
        let link = Link { items: [AtomicU32::new(number)].into(), before: last.take().into() };
        let link = Object::new(link, get_link, release_link);
        last = interpreter::attached(|py| {
            // SAFETY: attached, with an object that is alive.
            let import = unsafe { Import::request(py, link.as_ptr(), |_| unreachable!("there is memory")) }.unwrap();
            ExportCell::try_new(VecOrImported::of(import).ok().expect("it may be kept")).ok()
        });
        links.push(link);
    }
    interpreter::attached(|_| {
        drop(last);
        drain();
    });
    assert!(links.iter().all(|link| link.value().before.borrow().is_none()));
    assert_eq!(NESTED.get(), (0, 50));
}
