use std::ptr::NonNull;

use buffer_runtime::Storage;

struct Samples(Vec<f32>);

unsafe impl Storage for Samples {
    type Element = f32;

    unsafe fn raw(this: *mut Self) -> (NonNull<f32>, usize) {
        unsafe { Vec::raw(&raw mut (*this).0) }
    }
}

fn main() {}
