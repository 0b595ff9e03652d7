//! The reference answer to a request.

use super::Layout;

/// The fields of a `Py_buffer` that depend on the request.
#[derive(Debug, PartialEq, Eq)]
pub struct Fields {
    pub readonly: bool,
    pub ndim: usize,
    pub format: bool,
    pub shape: bool,
    pub strides: bool,
    pub suboffsets: bool,
}

/// The bits of a request, as `object.h` has them.
const WRITABLE: i32 = 0x1;
const FORMAT: i32 = 0x4;
const ND: i32 = 0x8;
const STRIDES: i32 = 0x10 | ND;
const C_CONTIGUOUS: i32 = 0x20 | STRIDES;
const F_CONTIGUOUS: i32 = 0x40 | STRIDES;
const ANY_CONTIGUOUS: i32 = 0x80 | STRIDES;
const INDIRECT: i32 = 0x100 | STRIDES;
/// `PyBUF_READ` and `PyBUF_WRITE`, which are not requests.
const MISTAKES: [i32; 2] = [0x100, 0x200];

/// The answer of `memory_getbuf` in CPython's `memoryobject.c`.
pub fn answer(flags: i32, layout: &Layout, readonly: bool) -> Option<Fields> {
    let asks = |request: i32| flags & request == request;
    let (c, f) = (layout.is_c_contiguous(), layout.is_f_contiguous());
    let refused = MISTAKES.contains(&flags)
        || asks(WRITABLE) && readonly
        || asks(C_CONTIGUOUS) && !c
        || asks(F_CONTIGUOUS) && !f
        || asks(ANY_CONTIGUOUS) && !c && !f
        || !asks(INDIRECT) && layout.indirect
        || !asks(STRIDES) && !c
        || asks(FORMAT) && !asks(ND);
    let shaped = !layout.shape.is_empty();
    (!refused).then(|| Fields {
        readonly,
        ndim: if asks(ND) { layout.shape.len() } else { 1 },
        format: asks(FORMAT),
        shape: asks(ND) && shaped,
        strides: asks(STRIDES) && shaped,
        suboffsets: layout.indirect,
    })
}
