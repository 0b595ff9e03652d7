//! `half::f16`, which numpy calls float16. `half::bf16` has no format in Python.

use half::f16;

use crate::element::scalars;

scalars! {
    f16: c"e", c">e", c"<e", |value: f16| f16::from_bits(value.to_bits().swap_bytes());
}
