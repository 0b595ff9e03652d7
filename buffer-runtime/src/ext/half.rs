//! `half::f16`, which numpy calls float16, and `half::bf16`, for which the buffer protocol has no code.
//!
//! A `bf16` is exported as a record whose only field is named `bfloat16` and holds the bits of the number, so no
//! consumer can mistake it for another type. DLPack has the type, and `dlpack::dtype` recognises the record.

use half::{bf16, f16};

use crate::element::scalars;

scalars! {
    f16: c"e", c">e", c"<e", |value: f16| f16::from_bits(value.to_bits().swap_bytes());
    bf16: c"T{=H:bfloat16:}", c"T{>H:bfloat16:}", c"T{<H:bfloat16:}", |value: bf16| {
        bf16::from_bits(value.to_bits().swap_bytes())
    };
}
