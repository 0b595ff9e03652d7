use buffer_runtime::BufferElement;
use std::marker::PhantomData;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
    #[buffer(rename = "unit")]
    marker: PhantomData<u8>,
}

fn main() {}
