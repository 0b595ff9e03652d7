use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle<'a> {
    charge: &'a f32,
}

fn main() {}
