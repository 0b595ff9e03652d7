use std::ptr::NonNull;

use buffer_runtime::{ExportCell, Storage};

struct Mine(Vec<u8>);

unsafe impl Storage for Mine {
    type Element = u8;
    type Access = buffer_runtime::ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        unsafe { Vec::raw(&raw mut (*this).0) }
    }
}

fn main() {
    let _ = ExportCell::new(Mine(vec![])).write_or_detach();
}
