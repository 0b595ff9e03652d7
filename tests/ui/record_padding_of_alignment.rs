use buffer_runtime::BufferElement;

#[derive(Clone, Copy, BufferElement)]
#[repr(C, align(16))]
struct Particle {
    charge: f32,
}

fn main() {}
