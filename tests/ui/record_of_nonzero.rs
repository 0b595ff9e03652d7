use buffer_runtime::BufferElement;
use std::num::NonZeroU32;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    id: NonZeroU32,
}

fn main() {}
