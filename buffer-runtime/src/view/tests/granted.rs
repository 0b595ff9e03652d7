//! Miri tests of views of objects, from the request to the release. The test implements the exporter, and Rust owns the
//! memory.

use std::ffi::{CString, c_int};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::{slice, thread};

use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::*;
use crate::interpreter::{self, Object, PyBuffer_FillInfo, attached, value_of};
use crate::{BufferView, BufferViewMut, Viewable};

/// An exporter, with the view that it grants.
struct Exporter {
    /// The fields of the view, except `obj` and the pointers to the format and arrays below.
    fields: ffi::Py_buffer,
    /// Whether the exporter fills views with `PyBuffer_FillInfo`, as `bytes` does.
    as_bytes: bool,
    /// The exception that it raises, if any.
    raises: Option<Object<()>>,
    refuses: bool,
    releases: AtomicUsize,
    format: CString,
    shape: Vec<isize>,
    strides: Option<Vec<isize>>,
    suboffsets: Option<Vec<isize>>,
}

// SAFETY: the fields point to the exporter's own memory, or to memory of the test, which outlives the exporter.
unsafe impl Send for Exporter {}
// SAFETY: as above; only a counter changes.
unsafe impl Sync for Exporter {}

impl Exporter {
    fn of(said: &Said) -> Self {
        let Said { buf, format, itemsize, shape, strides, suboffsets } = said;
        Self {
            fields: ffi::Py_buffer {
                buf: buf.cast(),
                len: shape.iter().product::<isize>() * itemsize,
                itemsize: *itemsize,
                ndim: c_int::try_from(shape.len()).unwrap(),
                ..ffi::Py_buffer::new()
            },
            as_bytes: false,
            raises: None,
            refuses: false,
            releases: AtomicUsize::new(0),
            format: (*format).to_owned(),
            shape: shape.clone(),
            strides: strides.clone(),
            suboffsets: suboffsets.clone(),
        }
    }

    fn readonly(mut self) -> Self {
        self.fields.readonly = 1;
        self
    }

    fn object(self) -> Object<Self> {
        Object::new(self, get, release)
    }
}

unsafe extern "C" fn get(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: the slots are those of an exporter.
    let exporter: &Exporter = unsafe { value_of(object) };
    let fields = exporter.fields;
    if let Some(exception) = &exporter.raises {
        interpreter::raise(exception.as_ptr());
    }
    if exporter.refuses {
        return -1;
    }
    if exporter.as_bytes {
        // SAFETY: `view` is the consumer's, and the fields describe the exporter's memory.
        return unsafe { PyBuffer_FillInfo(view, object, fields.buf, fields.len, fields.readonly, flags) };
    }
    // SAFETY: the object is alive.
    unsafe { ffi::Py_INCREF(object) };
    let array = |numbers: Option<&Vec<isize>>| numbers.map_or(ptr::null_mut(), |numbers| numbers.as_ptr().cast_mut());
    let granted = ffi::Py_buffer {
        obj: object,
        format: exporter.format.as_ptr().cast_mut(),
        shape: array(Some(&exporter.shape).filter(|shape| !shape.is_empty())),
        strides: array(exporter.strides.as_ref()),
        suboffsets: array(exporter.suboffsets.as_ref()),
        ..fields
    };
    // SAFETY: `view` is the consumer's, and may be written.
    unsafe { view.write(granted) };
    0
}

/// Reads the view that it has granted, as exporters may.
unsafe extern "C" fn release(object: *mut ffi::PyObject, view: *mut ffi::Py_buffer) {
    // SAFETY: the slots are those of an exporter.
    let exporter: &Exporter = unsafe { value_of(object) };
    // SAFETY: `view` is the consumer's, and may be read.
    let view = unsafe { view.read() };
    if exporter.as_bytes {
        // SAFETY: `shape` points into the consumer's view, which has not moved since it was granted.
        assert_eq!(unsafe { view.shape.read() }, exporter.fields.len);
        // SAFETY: as above.
        assert_eq!(unsafe { view.strides.read() }, 1);
    }
    exporter.releases.fetch_add(1, Ordering::Relaxed);
}

/// Views an object twice, reads it in every possible way, and releases both views.
fn read<T: Viewable + PartialEq + fmt::Debug>(exporter: Exporter) -> Vec<T> {
    let object = exporter.object();
    let items = attached(|py| {
        let object = object.bind(py);
        let view = BufferView::<T>::from_object(&object).unwrap();
        // Moves the views after they were granted.
        let views = [object.extract::<BufferView<'_, T>>().unwrap(), view];
        let items = views[0].to_vec().unwrap();
        let view = &views[1];
        assert_eq!(view.iter().collect::<Vec<T>>(), items);
        assert_eq!(view.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat()), items);
        if let Some(&pad) = items.first() {
            let mut all = view.fold_arrays(Vec::new(), pad, |all, array: [T; 4]| [&all[..], &array].concat());
            all.truncate(items.len());
            assert_eq!(all, items);
        }
        let mut copied = items.clone();
        copied.reverse();
        view.copy_to_slice(&mut copied);
        assert_eq!(copied, items);
        let mut index = vec![0; view.ndim()];
        for item in &items {
            assert_eq!(view.get(&index).as_ref(), Some(item));
            for (index, extent) in index.iter_mut().zip(view.shape()).rev() {
                *index = (*index + 1) % extent;
                if *index > 0 {
                    break;
                }
            }
        }
        assert_eq!(view.shared().is_some(), view.is_c_contiguous());
        if let Some(shared) = view.shared() {
            assert_eq!(shared.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat()), items);
        }
        if let Some(shared) = view.shared_in_memory_order() {
            assert_eq!(shared.fold_chunks(0, |count, chunk| count + chunk.len()), items.len());
        }
        items
    });
    assert_eq!(object.value().releases.load(Ordering::Relaxed), 2);
    items
}

#[test]
fn miri_views_read_every_layout() {
    let memory = Memory::new(0_u16..6);
    let read = |said: Said| read::<u16>(Exporter::of(&said));
    assert_eq!(read(Said::of(memory.at(0), &[2, 3])), [0, 1, 2, 3, 4, 5]);
    assert_eq!(read(Said::of(memory.at(0), &[2, 3]).strides(&[2, 4])), [0, 2, 4, 1, 3, 5]);
    assert_eq!(read(Said::of(memory.at(1), &[2, 2]).strides(&[6, 2])), [1, 2, 4, 5]);
    assert_eq!(read(Said::of(memory.at(5), &[2, 3]).strides(&[-6, -2])), [5, 4, 3, 2, 1, 0]);
    assert_eq!(read(Said::of(memory.at(1), &[2, 2]).strides(&[0, 2])), [1, 2, 1, 2]);
    assert_eq!(read(Said::of(memory.at(0), &[1, 3, 1, 1]).strides(&[7, 4, 7, 7])), [0, 2, 4]);
    assert_eq!(read(Said::of(memory.at(4), &[])), [4]);
    assert!(read(Said::of(ptr::null_mut::<u16>(), &[3, 0])).is_empty());
}

#[test]
fn miri_views_read_what_is_read_only() {
    let memory = Memory::new([1.5_f64, 2.5]);
    let exporter = || Exporter::of(&Said::of(memory.at(0), &[2])).readonly();
    assert_eq!(read::<f64>(exporter()), [1.5, 2.5]);
    let object = exporter().object();
    attached(|py| {
        let object = object.bind(py);
        assert!(BufferView::<f64>::from_object(&object).unwrap().readonly());
    });
}

#[test]
fn miri_views_read_elements_that_are_arrays() {
    let memory = Memory::new((0_i32..12).map(|item| item * 10));
    let said = Said::of(memory.at(10), &[3, 2]).strides(&[-16, 4]);
    assert_eq!(read::<[i32; 2]>(Exporter::of(&said)), [[100, 110], [60, 70], [20, 30]]);
    let said = Said::of(memory.at(0), &[2, 3, 2]);
    assert_eq!(read::<[[i32; 2]; 3]>(Exporter::of(&said))[1], [[60, 70], [80, 90], [100, 110]]);
    let said = Said { format: c"3i", itemsize: 12, ..Said::of(memory.at(0), &[4]) };
    assert_eq!(read::<[i32; 3]>(Exporter::of(&said))[3], [90, 100, 110]);
}

#[test]
fn miri_views_follow_pointers_to_rows() {
    let memory = Memory::new(0_u32..12);
    let rows: Vec<*mut u32> = [8, 0, 4, 2].map(|index| memory.at(index)).to_vec();
    let tables: Vec<*const *mut u32> = vec![rows.as_ptr().wrapping_add(2), rows.as_ptr()];
    let pointer = size_of::<*mut u32>().cast_signed();
    let said = Said {
        strides: Some(vec![pointer, pointer, 4]),
        suboffsets: Some(vec![0, 4, -1]),
        ..Said::of(tables.as_ptr().cast_mut().cast::<u32>(), &[2, 2, 3])
    };
    assert_eq!(read::<u32>(Exporter::of(&said)), [5, 6, 7, 3, 4, 5, 9, 10, 11, 1, 2, 3]);
}

#[test]
fn miri_views_of_bytes_point_into_themselves() {
    let memory = Memory::new(0_u8..4);
    let exporter = || Exporter { as_bytes: true, ..Exporter::of(&Said::of(memory.at(0), &[4])) };
    assert_eq!(read::<u8>(exporter()), [0, 1, 2, 3]);
    assert_eq!(read::<u8>(exporter().readonly()), [0, 1, 2, 3]);
    let object = exporter().object();
    attached(|py| {
        let moved = [BufferViewMut::<u8>::from_object(&object.bind(py)).unwrap()];
        moved[0].update(|item| item + 1);
    });
    assert_eq!(read::<u8>(exporter()), [1, 2, 3, 4]);
}

#[test]
fn miri_views_that_are_refused_are_released() {
    let memory = Memory::new(0_u8..4);
    let said = Said::of(memory.at(0), &[4]);
    let as_bytes = |as_bytes| Exporter { as_bytes, ..Exporter::of(&said) };
    for exporter in [as_bytes(true), as_bytes(false)] {
        let object = exporter.object();
        attached(|py| assert!(BufferView::<f32>::from_object(&object.bind(py)).is_err()));
        assert_eq!(object.value().releases.load(Ordering::Relaxed), 1);
    }
    let overlapping = Exporter::of(&Said::of(memory.at(0), &[2, 2]).strides(&[0, 1])).object();
    attached(|py| assert!(BufferViewMut::<u8>::from_object(&overlapping.bind(py)).is_err()));
    assert_eq!(overlapping.value().releases.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_views_raise_what_the_exporter_does() {
    let memory = Memory::new(0_u8..4);
    for refuses in [true, false] {
        let raises = Some(interpreter::exception());
        let as_bytes = !refuses;
        let object = Exporter { raises, refuses, as_bytes, ..Exporter::of(&Said::of(memory.at(0), &[4])) }.object();
        attached(|py| {
            let error = BufferView::<u8>::from_object(&object.bind(py)).unwrap_err();
            let raised = object.value().raises.as_ref().unwrap().as_ptr();
            assert_eq!((error.value(py).as_ptr(), PyErr::occurred(py)), (raised, false));
        });
        assert_eq!(object.value().releases.load(Ordering::Relaxed), usize::from(!refuses));
    }
}

#[test]
fn miri_views_end_beside_an_exception() {
    let memory = Memory::new(0_u8..4);
    let object = Exporter { as_bytes: true, ..Exporter::of(&Said::of(memory.at(0), &[4])) }.object();
    let exception = interpreter::exception();
    attached(|py| {
        let view = BufferView::<u8>::from_object(&object.bind(py)).unwrap();
        interpreter::raise(exception.as_ptr());
        drop(view);
        assert_eq!(interpreter::take_raised(py).unwrap().as_ptr(), exception.as_ptr());
    });
    assert_eq!(object.value().releases.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_views_write_in_index_order() {
    let memory = Memory::new([0_u16; 12]);
    // Every other item of two rows, backwards.
    let object = Exporter::of(&Said::of(memory.at(10), &[2, 3]).strides(&[-12, -4])).object();
    let all = || read::<u16>(Exporter::of(&Said::of(memory.at(0), &[12])));
    attached(|py| {
        let view = object.bind(py).extract::<BufferViewMut<'_, u16>>().unwrap();
        view.copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        view.set(&[1, 1], 50);
        assert!(view.shared().is_none());
        view.for_each_chunk(|chunk| chunk.iter_mut().filter(|item| **item != 2).for_each(|item| *item *= 10));
    });
    assert_eq!(all(), [60, 0, 500, 0, 40, 0, 30, 0, 2, 0, 10, 0]);
    attached(|py| {
        let view = BufferViewMut::<u16>::from_object(&object.bind(py)).unwrap();
        view.update(|item| item + 1);
        let other = BufferView::<u16>::from_object(&object.bind(py)).unwrap();
        assert_eq!(other.to_vec().unwrap(), [11, 3, 31, 41, 501, 61]);
        view.fill(7);
        assert_eq!(other.fold_chunks_with(&view, 0, |sum, ours, theirs| sum + ours[0] + theirs[0]), 14);
    });
    assert_eq!(all(), [7, 0, 7, 0, 7, 0, 7, 0, 7, 0, 7, 0]);
}

/// Readers and a writer on detached threads, beside foreign code that writes the same memory.
#[test]
fn miri_views_are_read_and_written_on_many_threads() {
    let items: [AtomicU32; 40] = std::array::from_fn(|_| AtomicU32::new(1));
    let buf = items.as_ptr().cast_mut().cast::<u32>();
    // SAFETY: the four bytes of one item, which lives as long; all access to them is atomic.
    let foreign = unsafe { slice::from_raw_parts(items[3].as_ptr().cast::<AtomicU8>(), 4) };
    let object = Exporter::of(&Said::of(buf, &[40])).object();
    let sum = attached(|py| {
        let object = object.bind(py);
        let (view, written) = (object.extract::<BufferView<'_, u32>>(), object.extract::<BufferViewMut<'_, u32>>());
        let (view, written) = (view.unwrap(), written.unwrap());
        let (reads, writes) = (view.shared().unwrap(), written.shared().unwrap());
        py.detach(|| {
            thread::scope(|scope| {
                scope.spawn(|| writes.update(|item| item + 1));
                scope.spawn(|| {
                    foreign.iter().zip(2_u32.to_ne_bytes()).for_each(|(to, byte)| to.store(byte, Ordering::Relaxed));
                });
                scope.spawn(|| reads.fold_chunks(0, |sum, chunk| sum + chunk.iter().sum::<u32>())).join().unwrap()
            })
        })
    });
    assert!((40..=81).contains(&sum), "{sum}");
}
