//! Miri tests of views of classes, from the request to the release. They call the slots that the derive submits.

use std::ffi::c_int;
use std::thread;

use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::prelude::*;
use pyo3::{PyClass, ffi};

use crate::interpreter::{Object, PyBuffer_Release, PyObject_GetBuffer, attached};
use crate::{BufferView, BufferViewMut, ExportBuffer, ExportCell};

#[derive(ExportBuffer)]
#[buffer(crate = "crate")]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f64>>,
}

#[derive(ExportBuffer)]
#[buffer(crate = "crate")]
#[pyclass(frozen)]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<u32>>,
}

/// Its shape runs code, so every first view takes the cold path.
#[derive(ExportBuffer)]
#[buffer(crate = "crate")]
#[pyclass(frozen)]
struct Computed {
    #[buffer(shape = [self.half(), 2])]
    data: ExportCell<Vec<u32>>,
}

impl Computed {
    fn half(&self) -> usize {
        self.data.len() / 2
    }
}

/// An object of a class. If the class is frozen and has no base class, PyO3 lays the object out as its head and the
/// value.
fn object<T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + PyClassImpl>(value: T) -> Object<T> {
    let slot = |which: c_int| {
        let mut slots = T::items_iter().flat_map(|items| items.slots);
        slots.find(|slot| slot.slot == which).expect("the class is exported").pfunc
    };
    // SAFETY: the class gives a function of this type for this slot.
    let get: ffi::getbufferproc = unsafe { std::mem::transmute(slot(ffi::Py_bf_getbuffer)) };
    // SAFETY: as above.
    let release: ffi::releasebufferproc = unsafe { std::mem::transmute(slot(ffi::Py_bf_releasebuffer)) };
    Object::new(value, get, release)
}

/// Requests a view, as C code does.
fn view<T>(object: &Object<T>, flags: c_int) -> Box<ffi::Py_buffer> {
    let mut view = Box::new(ffi::Py_buffer::new());
    // SAFETY: an object that is alive, and room for a view.
    let status = attached(|_| unsafe { PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) });
    assert_eq!(status, 0);
    view
}

fn release(mut view: Box<ffi::Py_buffer>) {
    // SAFETY: the view was granted.
    attached(|_| unsafe { PyBuffer_Release(&raw mut *view) });
}

#[test]
fn miri_slots_grant_and_release_in_two_epochs() {
    let samples = object(Samples { data: ExportCell::new(vec![1.0, 2.0]) });
    for len in [2, 3] {
        let full = view(&samples, ffi::PyBUF_FULL);
        let simple = view(&samples, ffi::PyBUF_SIMPLE);
        // SAFETY: one dimension.
        assert_eq!(unsafe { full.shape.read() }, len);
        assert_eq!((simple.len, simple.shape.is_null(), samples.value().data.views()), (len * 8, true, 2));
        // SAFETY: a writable view of doubles.
        unsafe { full.buf.cast::<f64>().write(7.0) };
        release(full);
        attached(|py| assert!(samples.value().data.write(py).is_err()));
        release(simple);
        attached(|py| samples.value().data.write(py).unwrap().push(3.0));
    }
    attached(|py| assert_eq!(*samples.value().data.read(py).unwrap(), [7.0, 2.0, 3.0, 3.0]));
}

#[test]
fn miri_slots_serve_the_views_of_this_crate() {
    let matrix = object(Matrix { ncols: 2, data: ExportCell::new((0..6).collect()) });
    let computed = object(Computed { data: ExportCell::new((0..4).collect()) });
    attached(|py| {
        let (matrix, computed) = (matrix.bind(py), computed.bind(py));
        for _ in 0..2 {
            let view = BufferViewMut::<u32>::from_object(&matrix).unwrap();
            let rows = BufferView::<[u32; 2]>::from_object(&matrix).unwrap();
            view.update(|item| item + 1);
            assert_eq!((view.shape(), rows.shape()), (&[3, 2][..], &[3][..]));
            let view = BufferView::<u32>::from_object(&computed).unwrap();
            assert_eq!((view.shape(), view.to_vec().unwrap()), (&[2, 2][..], vec![0, 1, 2, 3]));
        }
        let rows = BufferView::<[u32; 2]>::from_object(&matrix).unwrap();
        assert_eq!(rows.to_vec().unwrap(), [[2, 3], [4, 5], [6, 7]]);
    });
}

/// The cell is dropped on a detached thread. The release of the last view frees the block, directly or by draining the
/// queue.
#[test]
fn miri_slots_free_what_the_owner_has_left() {
    let mut samples = object(Samples { data: ExportCell::new(vec![1.0, 2.0]) });
    for _ in 0..3 {
        let views = [view(&samples, ffi::PyBUF_FULL), view(&samples, ffi::PyBUF_FULL)];
        let old = samples.replace(Samples { data: ExportCell::new(vec![3.0]) });
        let owner = thread::spawn(move || drop(old));
        let [first, last] = views;
        release(first);
        // SAFETY: the view keeps the memory.
        assert!(unsafe { last.buf.cast::<f64>().read() } > 0.0);
        owner.join().unwrap();
        release(last);
    }
    // The last release may have missed an owner that was dropped at the same time; this view drains that block.
    release(view(&samples, ffi::PyBUF_FULL));
}

/// No request is refused here: a refusal raises an exception of libpython, which is missing under Miri.
#[test]
fn miri_slots_are_called_on_many_threads() {
    let matrix = object(Matrix { ncols: 2, data: ExportCell::new(vec![0; 4]) });
    for rows in 2..4 {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        attached(|py| {
                            let view = BufferViewMut::<u32>::from_object(&matrix.bind(py)).unwrap();
                            assert_eq!(view.shape(), [rows, 2]);
                            view.update(|item| item + 1);
                            drop(matrix.value().data.share(py).unwrap());
                        });
                    }
                });
            }
        });
        assert_eq!(matrix.value().data.views(), 0);
        attached(|py| matrix.value().data.write(py).unwrap().extend([0, 0]));
    }
}
