//! `num_complex::Complex`, which numpy calls complex64 and complex128.

use num_complex::Complex;

use crate::element::{Scalar, scalars};

/// The real part comes first in either byte order; the bytes of each part are swapped separately.
fn swap_parts<T: Scalar>(value: Complex<T>) -> Complex<T> {
    Complex { re: value.re.swap_bytes(), im: value.im.swap_bytes() }
}

scalars! {
    Complex<f32>: c"Zf", c">Zf", c"<Zf", swap_parts;
    Complex<f64>: c"Zd", c">Zd", c"<Zd", swap_parts;
}
