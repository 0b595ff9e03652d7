use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[derive(BufferElement)]
#[repr(C)]
struct Particle {
    charge: f32,
}

fn main() {}
